// What the launcher prepares before the clone, because the child, in a user namespace of its own, may not.
#define _GNU_SOURCE 1
#include "include/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

enum { recursively = 0x8000, empty_path = 0x1000 };

int swiftpod_system_call_now(const struct swiftpod_system_call *call) {
    const long *a = call->arguments;
    return syscall(call->number, a[0], a[1], a[2], a[3], a[4]) < 0 ? -1 : 0;
}

int swiftpod_namespace_child(void) {
    int parent = getpid();
    struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid != 0) return (int)pid;
    // Raw calls only: this is a copy of a program that may have had threads.
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getppid) != 0 && syscall(SYS_getppid) != parent) syscall(SYS_exit_group, 1);
    for (;;) syscall(SYS_ppoll, 0, 0, 0, 0, 0);
}

int swiftpod_sealed_program(const void *bytes, unsigned long count) {
    // MFD_EXEC: Linux 6.3, and refused as unknown before.
    int file = (int)syscall(SYS_memfd_create, "guard", 0x0001U | 0x0002U | 0x0010U);
    if (file < 0 && errno == EINVAL) file = (int)syscall(SYS_memfd_create, "guard", 0x0001U | 0x0002U);
    if (file < 0) return -1;
    const char *at = bytes;
    while (count > 0) {
        long written = write(file, at, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) break;
        at += written;
        count -= (unsigned long)written;
    }
    // F_ADD_SEALS: SEAL, SHRINK, GROW, WRITE.
    if (count == 0 && fcntl(file, 1033, 0x000f) == 0) return file;
    int failure = errno;
    close(file);
    errno = failure;
    return -1;
}

int swiftpod_node_system(void) {
    int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    int result = (int)syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "755", 0);
    if (result == 0) result = (int)syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    if (result == 0) {
        result = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    }
    int failure = errno;
    close(context);
    errno = failure;
    return result;
}

int swiftpod_make_node(int directory, const char *name, unsigned mode, uint64_t device, unsigned uid, unsigned gid) {
    if (mknodat(directory, name, mode, device) != 0) return -1;
    // The umask does not apply to what the specification says outright.
    if (fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0) return -1;
    return fchmodat(directory, name, mode & 07777, 0);
}

int swiftpod_mapped_tree(const char *path, int recursive, int everywhere, int user_namespace) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? recursively : 0);
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, flags);
    if (tree < 0) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace};
    flags = empty_path | (everywhere ? recursively : 0);
    if (syscall(SYS_mount_setattr, tree, "", flags, &attributes, sizeof attributes) == 0) return tree;
    int failure = errno;
    close(tree);
    errno = failure;
    return -1;
}
