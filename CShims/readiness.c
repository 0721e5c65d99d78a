// What a container says of itself to the service manager, sd_notify(3).
#define _GNU_SOURCE 1
#include "include/supervision.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef int (*meet)(int, const struct sockaddr *, socklen_t);

static int datagram_socket(const char *name, meet meet) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, name, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (name[0] == '@') address.sun_path[0] = 0;
    else size++;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    if (meet(descriptor, (struct sockaddr *)&address, size) == 0) return descriptor;
    int failure = errno;
    close(descriptor);
    errno = failure;
    return -1;
}

int swiftpod_listen_for_notes(const char *path) {
    int descriptor = datagram_socket(path, bind);
    // Whoever the container's user is; nobody else gets to the directory that it is in.
    if (descriptor >= 0) chmod(path, 0666);
    return descriptor;
}

int swiftpod_connect_to_manager(const char *address) { return datagram_socket(address, connect); }

int swiftpod_pass_readiness(int notes, int manager, const char *message) {
    // The manager itself reads no more of one message. Descriptors that come along are closed: no room is given for them.
    char text[4097];
    ssize_t got = recv(notes, text, sizeof text - 1, MSG_DONTWAIT);
    if (got <= 0) return 0;
    text[got] = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (strcmp(line, "READY=1") != 0) continue;
        if (manager >= 0) send(manager, message, strlen(message), MSG_NOSIGNAL);
        return 1;
    }
    return 0;
}
