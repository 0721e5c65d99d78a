// `tmpcopyup`: a new, empty file system starts with what the image has at that place.
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { depth_limit = 64, buffer_size = 16384, entry_header = 19, empty_path = 0x1000 };

static long copy_directory(int from, int to, int depth);

static void copy_times(const struct stat *status, int to) {
    struct timespec times[2] = {status->st_atim, status->st_mtim};
    CALL(utimensat, to, 0, times, 0);
}

static long copy_bytes(int from, int to) {
    char buffer[buffer_size];
    for (;;) {
        long got = CALL(read, from, buffer, sizeof buffer);
        if (got <= 0) return got;
        for (long written = 0; written < got;) {
            long result = CALL(write, to, buffer + written, got - written);
            if (result < 0) return result;
            written += result;
        }
    }
}

static long copy_file(int from, int to, const char *name, const struct stat *status) {
    long source = CALL(openat, from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0) return source;
    long copy = CALL(openat, to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    long result = copy < 0 ? copy : copy_bytes((int)source, (int)copy);
    if (copy >= 0) {
        CALL(fchown, copy, status->st_uid, status->st_gid);
        if (result >= 0) result = CALL(fchmod, copy, status->st_mode & 07777);
        copy_times(status, (int)copy);
        CALL(close, copy);
    }
    CALL(close, source);
    return result;
}

static long copy_link(int from, int to, const char *name, const struct stat *status) {
    char text[4096];
    long length = CALL(readlinkat, from, name, text, sizeof text - 1);
    if (length < 0) return length;
    text[length] = 0;
    long result = CALL(symlinkat, text, to, name);
    if (result >= 0) CALL(fchownat, to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW);
    return result;
}

static long copy_subdirectory(int from, int to, const char *name, int depth) {
    long source = CALL(openat, from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0) return source;
    long result = CALL(mkdirat, to, name, 0700);
    if (result >= 0) {
        long copy = CALL(openat, to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        result = copy < 0 ? copy : copy_directory((int)source, (int)copy, depth + 1);
        if (copy >= 0) CALL(close, copy);
    }
    CALL(close, source);
    return result;
}

static long copy_entry(int from, int to, const char *name, int depth) {
    struct stat status;
    long result = CALL(newfstatat, from, name, &status, AT_SYMLINK_NOFOLLOW);
    if (result < 0) return result;
    switch (status.st_mode & S_IFMT) {
    case S_IFREG: return copy_file(from, to, name, &status);
    case S_IFLNK: return copy_link(from, to, name, &status);
    case S_IFDIR: return copy_subdirectory(from, to, name, depth);
    // Sockets, pipes and devices of an image mean nothing in a fresh file system.
    default: return 0;
    }
}

static int is_dot(const char *name) {
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static long copy_directory(int from, int to, int depth) {
    if (depth > depth_limit) return -ELOOP;
    struct stat status;
    long result = CALL(fstat, from, &status);
    char buffer[buffer_size] __attribute__((aligned(8)));
    while (result >= 0) {
        long got = CALL(getdents64, from, buffer, sizeof buffer);
        if (got < 0) result = got;
        if (got <= 0) break;
        for (long at = 0; at < got && result >= 0; at += *(unsigned short *)(buffer + at + 16)) {
            const char *name = buffer + at + entry_header;
            if (!is_dot(name)) result = copy_entry(from, to, name, depth);
        }
    }
    if (result < 0) return result;
    CALL(fchown, to, status.st_uid, status.st_gid);
    copy_times(&status, to);
    return CALL(fchmod, to, status.st_mode & 07777);
}

long swiftpod_child_copy_up(int root, const char *path, int tree) {
    long from = swiftpod_child_open(root, path, O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (from < 0) return from;
    long to = CALL(openat, tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long result = to < 0 ? to : copy_directory((int)from, (int)to, 0);
    if (to >= 0) CALL(close, to);
    CALL(close, from);
    return result;
}
