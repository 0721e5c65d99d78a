// Bytes with descriptors over local sockets, SCM_RIGHTS of unix(7).
#define _GNU_SOURCE 1
#include "shims.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { maximum_descriptors = 16 };

union control {
    char bytes[CMSG_SPACE(maximum_descriptors * sizeof(int))];
    struct cmsghdr alignment;
};

long swiftpod_send_message(int socket, const void *bytes, size_t size, const int *descriptors, int count) {
    if (count < 0 || count > maximum_descriptors) {
        errno = EINVAL;
        return -1;
    }
    struct iovec piece = {.iov_base = (void *)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    union control control;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, (size_t)count * sizeof(int));
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

long swiftpod_receive_message(int socket, void *bytes, size_t size, int *descriptors, int *count) {
    int capacity = *count;
    *count = 0;
    struct iovec piece = {.iov_base = bytes, .iov_len = size};
    union control control;
    struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received <= 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t sent = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < sent; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
            if (*count < capacity) descriptors[(*count)++] = descriptor;
            else close(descriptor);
        }
    }
    return received;
}

int swiftpod_send_descriptors(int socket, const int *descriptors, int count) {
    char byte = 0;
    return swiftpod_send_message(socket, &byte, 1, descriptors, count) < 0 ? -1 : 0;
}

int swiftpod_receive_descriptors(int socket, int *descriptors, int capacity) {
    char byte;
    int count = capacity;
    long received = swiftpod_receive_message(socket, &byte, 1, descriptors, &count);
    return received <= 0 ? (int)received : count;
}

int swiftpod_peer(int socket, unsigned *uid, int *pid) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *uid = peer.uid;
    *pid = peer.pid;
    return 0;
}

int swiftpod_listen_privately(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    // The mode of the socket is made with it: fchmod(2) on one that is not bound is what bind(2) goes by.
    if (fchmod(descriptor, 0600) == 0 && bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0
        && listen(descriptor, 64) == 0) return descriptor;
    int failure = errno;
    close(descriptor);
    errno = failure;
    return -1;
}

int swiftpod_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC); }
