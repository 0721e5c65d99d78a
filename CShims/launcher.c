// The launcher's end of the channel to the child that performs a plan.
#define _GNU_SOURCE 1
#include "include/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int swiftpod_receive_report(int channel, struct swiftpod_report *report, int *descriptor) {
    struct iovec piece = {.iov_base = report, .iov_len = sizeof *report};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr alignment;
    } control;
    struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    *descriptor = -1;
    ssize_t received;
    do received = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    // A child that dies with our byte unread resets the connection: the end all the same.
    if (received < 0 && errno == ECONNRESET) return 0;
    if (received < (ssize_t)sizeof *report) return received < 0 ? -1 : 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    }
    return 1;
}

int swiftpod_go_on(int channel) {
    char byte = 0;
    ssize_t sent;
    do sent = send(channel, &byte, 1, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static int local_address(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address->sun_path, path);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int close_failed(int descriptor) {
    int failure = errno;
    close(descriptor);
    errno = failure;
    return -1;
}

int swiftpod_connect(const char *path) {
    struct sockaddr_un address;
    int descriptor = local_address(path, &address);
    if (descriptor < 0) return -1;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
    return close_failed(descriptor);
}

int swiftpod_listen(const char *path) {
    struct sockaddr_un address;
    int descriptor = local_address(path, &address);
    if (descriptor < 0) return -1;
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 && listen(descriptor, 4) == 0) {
        return descriptor;
    }
    return close_failed(descriptor);
}
