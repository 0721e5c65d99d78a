// The command of a sandbox that was made ahead: it comes over a socket, when nothing is left to be done but to execute it.
// What waits here is all that the sandbox does from then on, so that it needs next to no memory of this program again.
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { streams = 3, above_streams = 3 };

// Returns how many descriptors came; -ENODATA at the end of the stream.
static long receive_order(int socket, struct swiftpod_order *order, int *descriptors) {
    struct iovec piece = {.iov_base = order, .iov_len = sizeof *order};
    union {
        char bytes[CMSG_SPACE(streams * sizeof(int))];
        struct cmsghdr header;
    } control;
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    long got;
    do got = CALL(recvmsg, socket, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    while (got == -EINTR);
    if (got < 0) return got;
    if (got != sizeof *order) return -ENODATA;
    if (message.msg_controllen < sizeof control.header) return 0;
    if (control.header.cmsg_level != SOL_SOCKET || control.header.cmsg_type != SCM_RIGHTS) return 0;
    long count = (long)((control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int));
    const int *sent = (const int *)CMSG_DATA(&control.header);
    for (long i = 0; i < count && i < streams; i++) descriptors[i] = sent[i];
    return count;
}

static long fill(int socket, char *bytes, uint64_t size) {
    while (size > 0) {
        long got = CALL(read, socket, bytes, size);
        if (got == -EINTR) continue;
        if (got <= 0) return got < 0 ? got : -ENODATA;
        bytes += got;
        size -= (uint64_t)got;
    }
    return 0;
}

// Points `list` to the next `count` texts and ends it. Returns where the texts go on; NULL where there are not so many.
static char *point(char **list, uint32_t count, char *text, const char *end) {
    for (uint32_t i = 0; i < count; i++) {
        if (text >= end) return NULL;
        list[i] = text;
        while (text < end && *text) text++;
        if (text == end) return NULL;
        text++;
    }
    list[count] = NULL;
    return text;
}

long swiftpod_child_told(int socket, int32_t *const slots[], struct swiftpod_command *command) {
    struct swiftpod_order order;
    int descriptors[streams];
    long count = receive_order(socket, &order, descriptors);
    if (count < 0) return count;
    if (order.size > SWIFTPOD_ORDER_LIMIT || order.candidates > order.size || order.arguments > order.size
        || order.environment > order.size) return -EBADMSG;
    for (int i = 0; i < streams; i++) {
        int which = order.streams[i];
        if (which < 0) continue;
        if (which >= count) return -EBADMSG;
        // Streams are put in their places one after the other: none may stand in another's.
        long moved = CALL(fcntl, descriptors[which], F_DUPFD_CLOEXEC, above_streams);
        if (moved < 0) return moved;
        *slots[i] = (int32_t)moved;
    }
    uint64_t pointers = ((uint64_t)order.candidates + order.arguments + order.environment + 3) * sizeof(char *);
    long memory = CALL(mmap, 0, pointers + order.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory < 0 && memory > -4096) return memory;
    char **candidates = (char **)memory, **arguments = candidates + order.candidates + 1;
    char **environment = arguments + order.arguments + 1;
    char *text = (char *)memory + pointers, *end = text + order.size;
    long result = fill(socket, text, order.size);
    if (result < 0) return result;
    text = point(candidates, order.candidates, text, end);
    if (text) text = point(arguments, order.arguments, text, end);
    if (text) text = point(environment, order.environment, text, end);
    if (!text) return -EBADMSG;
    *command = (struct swiftpod_command){(const char *const *)candidates, arguments, environment};
    return 0;
}
