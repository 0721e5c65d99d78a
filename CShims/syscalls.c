#define _GNU_SOURCE 1
#include "include/shims.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

int swiftpod_openat(int directory, const char *path, int flags, unsigned mode) {
    return openat(directory, path, flags, mode);
}

int swiftpod_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif

int swiftpod_statx(int directory, const char *path, int flags, struct swiftpod_status *status) {
    struct statx raw;
    memset(&raw, 0, sizeof raw);
    if (syscall(SYS_statx, directory, path, flags, STATX_BASIC_STATS | STATX_MNT_ID, &raw) != 0) return -1;
    *status = (struct swiftpod_status){
        .inode = raw.stx_ino,
        .size = raw.stx_size,
        .blocks = raw.stx_blocks,
        .mount = raw.stx_mnt_id,
        .seconds = raw.stx_mtime.tv_sec,
        .nanoseconds = raw.stx_mtime.tv_nsec,
        .mode = raw.stx_mode,
        .uid = raw.stx_uid,
        .gid = raw.stx_gid,
        .links = raw.stx_nlink,
        .device_major = raw.stx_dev_major,
        .device_minor = raw.stx_dev_minor,
        .special_major = raw.stx_rdev_major,
        .special_minor = raw.stx_rdev_minor,
        .attributes = raw.stx_attributes,
    };
    return 0;
}

long swiftpod_getdents(int directory, void *buffer, size_t size) {
    return syscall(SYS_getdents64, directory, buffer, size);
}

int swiftpod_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int swiftpod_fcntl(int descriptor, int command, long argument) { return fcntl(descriptor, command, argument); }

int swiftpod_ioctl(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}

int swiftpod_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

int swiftpod_fork(void) { return fork(); }

int swiftpod_fork_orphan(void) {
    // It shares this process's memory, which need not be copied for it.
    pid_t between = vfork();
    if (between == 0) {
        pid_t orphan = fork();
        if (orphan == 0) return 0;
        _exit(orphan < 0 ? errno : 0);
    }
    if (between < 0) return -1;
    int status;
    while (waitpid(between, &status, 0) < 0) {
        if (errno != EINTR) return -1;
    }
    if (status == 0) return 1;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
    return -1;
}

void swiftpod_close_from(unsigned first) { syscall(SYS_close_range, first, ~0U, 0); }

int swiftpod_setns(int descriptor, int kind) { return setns(descriptor, kind); }

int swiftpod_unshare(int kinds) { return unshare(kinds); }

int swiftpod_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int swiftpod_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int swiftpod_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

long swiftpod_get_affinity(unsigned char *mask, unsigned long size) {
    return syscall(SYS_sched_getaffinity, 0, size, mask);
}

int swiftpod_set_affinity(const unsigned char *mask, unsigned long size) {
    return (int)syscall(SYS_sched_setaffinity, 0, size, mask);
}

int swiftpod_prefer_memory(int node) {
    // linux/mempolicy.h: MPOL_DEFAULT is 0, MPOL_PREFERRED 1.
    unsigned long mask[16] = {0};
    if (node < 0) return (int)syscall(SYS_set_mempolicy, 0, NULL, 0UL);
    if (node >= 1024) return errno = EINVAL, -1;
    mask[node / 64] = 1UL << (node % 64);
    return (int)syscall(SYS_set_mempolicy, 1, mask, 1025UL);
}

int swiftpod_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return prctl(option, a, b, c, d);
}

int swiftpod_wait_pidfd(int pidfd, int flags, struct swiftpod_exit *result) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    // glibc 2.36 knows P_PIDFD, but the constant is an enumerator that older headers lack: 3 is the kernel's.
    if (syscall(SYS_waitid, 3, pidfd, &info, WEXITED | flags, NULL) != 0) return -1;
    *result = (struct swiftpod_exit){.pid = info.si_pid, .code = info.si_code, .status = info.si_status};
    return 0;
}

// The calls by descriptor refuse O_PATH ones with EBADF; the path under /proc reaches the same file.
struct proc_path {
    char text[40];
};
static struct proc_path proc_path(int descriptor) {
    struct proc_path path;
    snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", descriptor);
    return path;
}

long swiftpod_getxattr(int descriptor, const char *name, void *value, size_t size) {
    long result = fgetxattr(descriptor, name, value, size);
    if (result < 0 && errno == EBADF) result = getxattr(proc_path(descriptor).text, name, value, size);
    return result;
}

int swiftpod_setxattr(int descriptor, const char *name, const void *value, size_t size) {
    int result = fsetxattr(descriptor, name, value, size, 0);
    if (result < 0 && errno == EBADF) result = setxattr(proc_path(descriptor).text, name, value, size, 0);
    return result;
}

int swiftpod_removexattr(int descriptor, const char *name) {
    int result = fremovexattr(descriptor, name);
    if (result < 0 && errno == EBADF) result = removexattr(proc_path(descriptor).text, name);
    return result;
}

long swiftpod_listxattr(int descriptor, char *names, size_t size) {
    long result = flistxattr(descriptor, names, size);
    if (result < 0 && errno == EBADF) result = listxattr(proc_path(descriptor).text, names, size);
    return result;
}

long swiftpod_lgetxattr(const char *path, const char *name, void *value, size_t size) {
    return lgetxattr(path, name, value, size);
}

int swiftpod_lsetxattr(const char *path, const char *name, const void *value, size_t size) {
    return lsetxattr(path, name, value, size, 0);
}

uint64_t swiftpod_permitted_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    syscall(SYS_capget, &header, data);
    return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

void swiftpod_random(void *bytes, size_t count) {
    // Up to 256 bytes come whole; nothing here asks for more.
    while (getrandom(bytes, count, 0) < 0 && errno == EINTR) {}
}
