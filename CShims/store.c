#define _GNU_SOURCE
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

int swiftpod_syncfs(int descriptor) { return syncfs(descriptor); }

long swiftpod_copy_file_range(int from, int to, size_t count) {
    return copy_file_range(from, NULL, to, NULL, count, 0);
}

int swiftpod_mknodat(int directory, const char *path, unsigned mode, unsigned major, unsigned minor) {
    return mknodat(directory, path, mode, makedev(major, minor));
}

int swiftpod_set_time(int directory, const char *path, int64_t seconds, long nanoseconds) {
    struct timespec time = {.tv_sec = seconds, .tv_nsec = nanoseconds};
    struct timespec times[2] = {time, time};
    return utimensat(directory, path, times, AT_SYMLINK_NOFOLLOW);
}

int swiftpod_set_time_of(int descriptor, int64_t seconds, long nanoseconds) {
    struct timespec time = {.tv_sec = seconds, .tv_nsec = nanoseconds};
    struct timespec times[2] = {time, time};
    return futimens(descriptor, times);
}

int swiftpod_setxattrat(int directory, const char *name, const char *attribute, const void *value, size_t size) {
    char path[64 + 256];
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", directory, name);
    return lsetxattr(path, attribute, value, size, 0);
}

int64_t swiftpod_seek_data(int descriptor, int64_t offset) { return lseek(descriptor, offset, SEEK_DATA); }

int64_t swiftpod_seek_hole(int descriptor, int64_t offset) { return lseek(descriptor, offset, SEEK_HOLE); }
