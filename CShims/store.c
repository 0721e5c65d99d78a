#define _GNU_SOURCE
#include "shims.h"
#include "store.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

int swiftpod_thread_id(void) { return (int)syscall(SYS_gettid); }

int swiftpod_thread_is_there(int id) { return syscall(SYS_tgkill, getpid(), id, 0) == 0; }

int swiftpod_keep_modes_of_files(void) {
    if (unshare(CLONE_FS) != 0) return -1;
    umask(0);
    return 0;
}

int swiftpod_keep_capabilities_of_files(void) {
    const uint64_t needed = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_SETUID |
                            1u << CAP_SETGID | 1u << CAP_SETPCAP;
    if ((swiftpod_permitted_capabilities() & needed) != needed) return -1;
    int bits = prctl(PR_GET_SECUREBITS);
    return bits < 0 ? -1 : prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP);
}

// Neither call tells of a failure. Both return the id before, and change nothing for one that cannot be.
int swiftpod_make_files_as(unsigned uid, unsigned gid) {
    syscall(SYS_setfsgid, gid);
    syscall(SYS_setfsuid, uid);
    if ((unsigned)syscall(SYS_setfsgid, -1) == gid && (unsigned)syscall(SYS_setfsuid, -1) == uid) return 0;
    syscall(SYS_setfsgid, getegid());
    syscall(SYS_setfsuid, geteuid());
    return -1;
}

int swiftpod_setxattrat(int directory, const char *name, const char *attribute, const void *value, size_t size) {
    char path[64 + 256];
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", directory, name);
    return lsetxattr(path, attribute, value, size, 0);
}

int64_t swiftpod_seek_data(int descriptor, int64_t offset) { return lseek(descriptor, offset, SEEK_DATA); }

int64_t swiftpod_seek_hole(int descriptor, int64_t offset) { return lseek(descriptor, offset, SEEK_HOLE); }
