// The interpreter's mounts, by descriptors only (open_tree, fsopen, move_mount: Linux 5.2, mount_setattr: 5.12). No
// path inside a root is ever resolved by its text.
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { empty_path = 0x1000, recursively = 0x8000, detach = 2 };
static const unsigned move_by_descriptors = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

// "/proc/self/fd/N"; returns the end.
static char *put_proc_path(char *at, int descriptor) {
    for (const char *text = "/proc/self/fd/"; *text; text++) *at++ = *text;
    char digits[12];
    int count = 0;
    do digits[count++] = (char)('0' + descriptor % 10);
    while (descriptor /= 10);
    while (count) *at++ = digits[--count];
    *at = 0;
    return at;
}

// Layers are named by descriptor: any character may stand in their paths, and no directory above them need be open to
// the container's root.
static long set_layers(int context, const char *name, int first, int second) {
    char value[64];
    char *end = put_proc_path(value, first);
    if (second >= 0) {
        // Two colons: what follows is data only, reached by the redirects of the files above it.
        *end++ = ':';
        *end++ = ':';
        put_proc_path(end, second);
    }
    return CALL(fsconfig, context, FSCONFIG_SET_STRING, name, value, 0);
}

static long set_attributes(const struct swiftpod_step *step, int tree) {
    struct mount_attr attributes = {.attr_set = step->a, .attr_clr = step->b, .propagation = step->c};
    unsigned flags = (tree >= 0 ? empty_path : 0) | (step->n ? recursively : 0);
    return CALL(mount_setattr, tree >= 0 ? tree : AT_FDCWD, tree >= 0 ? "" : step->data, flags, &attributes,
                sizeof attributes);
}

static long open_tree(const struct swiftpod_step *step, int from) {
    const char *path = step->data ? step->data : "";
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (step->a ? recursively : 0) | (*path ? 0 : empty_path);
    return CALL(open_tree, from >= 0 ? from : AT_FDCWD, path, flags);
}

static long move_onto(int tree, int target) {
    return CALL(move_mount, tree, "", target, "", move_by_descriptors);
}

static long attach(const struct swiftpod_step *step, int32_t *slot, int root) {
    struct stat status;
    long result = CALL(fstat, *slot, &status);
    if (result < 0) return result;
    // A directory is mounted on a directory and anything else on a file.
    unsigned mode = (S_ISDIR(status.st_mode) ? S_IFDIR : S_IFREG) | 0755;
    long target = swiftpod_child_target(root, step->data, mode, 0, 0);
    if (target < 0) return target;
    result = move_onto(*slot, (int)target);
    CALL(close, target);
    CALL(close, *slot);
    *slot = -1;
    return result;
}

static long mask(const struct swiftpod_step *step, int root, int empty_directory, int empty_file) {
    long target = swiftpod_child_open(root, step->data, O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (target < 0) return target;
    struct stat status;
    long result = CALL(fstat, target, &status);
    if (result >= 0) {
        int cover = S_ISDIR(status.st_mode) ? empty_directory : empty_file;
        long tree = CALL(open_tree, cover, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | empty_path);
        result = tree < 0 ? tree : move_onto((int)tree, (int)target);
        if (tree >= 0) CALL(close, tree);
    }
    CALL(close, target);
    return result;
}

static long make_read_only(const struct swiftpod_step *step, int root) {
    long target = swiftpod_child_open(root, step->data, O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (target < 0) return target;
    long tree = CALL(open_tree, target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | empty_path | recursively);
    long result = tree;
    if (tree >= 0) {
        struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
        result = CALL(mount_setattr, tree, "", empty_path | recursively, &attributes, sizeof attributes);
        if (result >= 0) result = move_onto((int)tree, (int)target);
        CALL(close, tree);
    }
    CALL(close, target);
    return result;
}

// pivot_root(2): with both arguments ".", the old root lies on top of the new one, where it can be let go of without a
// directory to park it in.
static long pivot(int root) {
    long old = CALL(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old < 0) return old;
    long result = CALL(fchdir, root);
    if (result >= 0) result = CALL(pivot_root, ".", ".");
    if (result >= 0) result = CALL(fchdir, old);
    if (result >= 0) {
        // Letting go must not be seen by anybody who shares the old root's mounts.
        struct mount_attr attributes = {.propagation = 1 << 18 /* MS_PRIVATE */};
        result = CALL(mount_setattr, AT_FDCWD, ".", recursively, &attributes, sizeof attributes);
    }
    if (result >= 0) result = CALL(umount2, ".", detach);
    if (result >= 0) result = CALL(chdir, "/");
    CALL(close, old);
    return result;
}

// An initramfs is nobody's mount and cannot be left. Its content stays below, out of reach without CAP_SYS_CHROOT.
static long cover_root(int root) {
    long result = CALL(fchdir, root);
    if (result >= 0) result = CALL(move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
    if (result >= 0) result = CALL(chroot, ".");
    if (result >= 0) result = CALL(chdir, "/");
    return result;
}

long swiftpod_child_mount(const struct swiftpod_step *step, const int32_t *slots) {
    int in = step->in >= 0 ? slots[step->in] : -1;
    const char *name = step->data;
    switch (step->op) {
    case SWIFTPOD_TREE: return open_tree(step, in);
    case SWIFTPOD_FS_OPEN: return CALL(fsopen, name, FSOPEN_CLOEXEC);
    case SWIFTPOD_FS_SET:
        return step->a ? CALL(fsconfig, in, FSCONFIG_SET_STRING, name, swiftpod_second(name), 0)
                       : CALL(fsconfig, in, FSCONFIG_SET_FLAG, name, 0, 0);
    case SWIFTPOD_FS_LAYERS: return set_layers(in, name, slots[step->a], step->n ? slots[step->b] : -1);
    case SWIFTPOD_FS_CREATE: return CALL(fsconfig, in, FSCONFIG_CMD_CREATE, 0, 0, 0);
    case SWIFTPOD_FS_MOUNT: {
        long tree = CALL(fsmount, in, FSMOUNT_CLOEXEC, step->a);
        CALL(close, in);
        return tree;
    }
    case SWIFTPOD_ATTRIBUTES: return set_attributes(step, in);
    case SWIFTPOD_MOVE: return move_onto(in, slots[step->a]);
    case SWIFTPOD_ATTACH: return attach(step, (int32_t *)&slots[step->in], slots[step->a]);
    case SWIFTPOD_MASK: return mask(step, in, slots[step->a], slots[step->b]);
    case SWIFTPOD_READ_ONLY: return make_read_only(step, in);
    case SWIFTPOD_PIVOT: return step->a ? cover_root(in) : pivot(in);
    default: return -ENOSYS;
    }
}
