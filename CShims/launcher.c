// The launcher's end of the channel to the child that performs a plan.
#define _GNU_SOURCE 1
#include "include/plan.h"
#include "rawcall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
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

// Only who is in a mount namespace may copy its mounts, and who has been there has lost his root: a child goes, and
// leaves the descriptor in the table that it shares with this process.
int swiftpod_take_tree_of(int mount_namespace, const char *path) {
    long *result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (result == MAP_FAILED) return -1;
    *result = -EIO;
    long pid = swiftpod_raw(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0);
    if (pid == 0) {
        long entered = swiftpod_raw(SYS_setns, mount_namespace, CLONE_NEWNS, 0, 0);
        *result = entered != 0 ? entered
                               : swiftpod_raw(SYS_open_tree, AT_FDCWD, (long)path,
                                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW, 0);
        for (;;) swiftpod_raw(SYS_exit, 0, 0, 0, 0);
    }
    if (pid < 0) *result = pid;
    while (pid > 0 && waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR) {}
    long descriptor = *result;
    munmap(result, sizeof *result);
    if (descriptor >= 0) return (int)descriptor;
    errno = (int)-descriptor;
    return -1;
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
