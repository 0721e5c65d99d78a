// Paths inside a root, found and made without ever leaving it (openat2: Linux 5.6).
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { path_size = 4096, link_limit = 40, retry_limit = 128, empty_path = 0x1000 };
static const uint64_t inside = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

long swiftpod_child_open(int directory, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    long result = -EAGAIN;
    // EAGAIN: something on the way was renamed while the kernel made sure that it stays inside.
    for (int i = 0; i < retry_limit && result == -EAGAIN; i++) {
        result = CALL(openat2, directory, path, &how, sizeof how);
    }
    return result;
}

// A walk: what has been resolved, free of links, and what is still to do.
struct walk {
    char done[path_size];
    size_t done_length;
    char rest[2 * path_size];
    int links;
};

static size_t length_of(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    return length;
}

static long put_rest(struct walk *walk, const char *front, const char *back) {
    char joined[2 * path_size];
    size_t at = 0, front_length = length_of(front), back_length = length_of(back);
    if (front_length + back_length + 2 > sizeof joined) return -ENAMETOOLONG;
    for (size_t i = 0; i < front_length; i++) joined[at++] = front[i];
    joined[at++] = '/';
    for (size_t i = 0; i <= back_length; i++) joined[at++] = back[i];
    for (size_t i = 0; i < at; i++) walk->rest[i] = joined[i];
    return 0;
}

// Adds a component to what is done. Returns the old length, by which it can be taken off again.
static long push(struct walk *walk, const char *component, size_t length) {
    size_t before = walk->done_length;
    if (before + length + 2 > sizeof walk->done) return -ENAMETOOLONG;
    walk->done[walk->done_length++] = '/';
    for (size_t i = 0; i < length; i++) walk->done[walk->done_length++] = component[i];
    walk->done[walk->done_length] = 0;
    return (long)before;
}

static void pop(struct walk *walk, size_t length) {
    walk->done_length = length;
    walk->done[length] = 0;
}

static void pop_component(struct walk *walk) {
    while (walk->done_length && walk->done[--walk->done_length] != '/') {}
    walk->done[walk->done_length] = 0;
}

struct maker {
    int root;
    unsigned mode, uid, gid;
};

// Makes one name in a directory. -EEXIST: somebody else has, or it is a link that leads nowhere.
static long make_in(int parent, const struct maker *maker, const char *name, int is_last) {
    long result;
    if (is_last && !S_ISDIR(maker->mode)) {
        result = CALL(openat, parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, maker->mode & 07777);
        if (result >= 0) CALL(close, result);
    } else {
        result = CALL(mkdirat, parent, name, is_last ? maker->mode & 07777 : 0755);
    }
    if (result >= 0 && is_last && (maker->uid || maker->gid)) {
        result = CALL(fchownat, parent, name, maker->uid, maker->gid, AT_SYMLINK_NOFOLLOW);
    }
    return result;
}

// Makes what is missing at the walk's end, in the directory `before` characters of it name.
static long make(const struct maker *maker, struct walk *walk, size_t before, int is_last) {
    walk->done[before] = 0;
    long parent = swiftpod_child_open(maker->root, before ? walk->done : "/", O_PATH | O_DIRECTORY, inside);
    walk->done[before] = '/';
    if (parent < 0) return parent;
    long result = make_in((int)parent, maker, walk->done + before + 1, is_last);
    CALL(close, parent);
    return result == -EEXIST ? 0 : result;
}

// One component: found or made. Returns its O_PATH descriptor, or -EAGAIN after a symbolic link was put into the rest.
static long step_into(const struct maker *maker, struct walk *walk, const char *component, size_t length,
                      const char *after, int is_last) {
    long before = push(walk, component, length);
    if (before < 0) return before;
    long found = swiftpod_child_open(maker->root, walk->done, O_PATH | O_NOFOLLOW, inside);
    if (found == -ENOENT && maker->mode) {
        long made = make(maker, walk, (size_t)before, is_last);
        if (made < 0) return made;
        found = swiftpod_child_open(maker->root, walk->done, O_PATH | O_NOFOLLOW, inside);
    }
    if (found < 0) return found;
    char link[path_size];
    struct stat status;
    long result = CALL(fstat, found, &status);
    if (result < 0 || !S_ISLNK(status.st_mode)) {
        if (result >= 0) return found;
        CALL(close, found);
        return result;
    }
    result = CALL(readlinkat, found, "", link, sizeof link - 1);
    CALL(close, found);
    if (result < 0) return result;
    if (++walk->links > link_limit) return -ELOOP;
    link[result] = 0;
    pop(walk, link[0] == '/' ? 0 : (size_t)before);
    result = put_rest(walk, link, after);
    return result < 0 ? result : -EAGAIN;
}

static long walk_path(const struct maker *maker, const char *path) {
    struct walk walk;
    walk.done_length = 0;
    walk.done[0] = 0;
    walk.links = 0;
    long result = put_rest(&walk, "", path);
    if (result < 0) return result;
    const char *at = walk.rest;
    long found = swiftpod_child_open(maker->root, "/", O_PATH | O_DIRECTORY, inside);
    while (found >= 0) {
        while (*at == '/') at++;
        if (!*at) return found;
        size_t length = 0;
        while (at[length] && at[length] != '/') length++;
        const char *after = at + length;
        const char *next = after;
        while (*next == '/') next++;
        if (length == 1 && at[0] == '.') {
            at = after;
            continue;
        }
        CALL(close, found);
        if (length == 2 && at[0] == '.' && at[1] == '.') {
            pop_component(&walk);
            at = after;
            found = swiftpod_child_open(maker->root, walk.done_length ? walk.done : "/", O_PATH, inside);
            continue;
        }
        found = step_into(maker, &walk, at, length, after, !*next);
        at = after;
        if (found == -EAGAIN) {
            at = walk.rest;
            found = swiftpod_child_open(maker->root, walk.done_length ? walk.done : "/", O_PATH, inside);
        }
    }
    return found;
}

// Most often nothing but the last component is missing. Returns -EEXIST or -ENOENT for what takes a walk.
static long make_last(const struct maker *maker, const char *path) {
    char above[path_size];
    size_t slash = 0, length = length_of(path);
    for (size_t i = 0; i < length; i++) {
        if (path[i] == '/') slash = i;
    }
    const char *name = path + slash + 1;
    if (path[0] != '/' || !*name || (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))) return -ENOENT;
    if (length + 1 > sizeof above) return -ENAMETOOLONG;
    for (size_t i = 0; i < slash; i++) above[i] = path[i];
    above[slash] = 0;
    long parent = swiftpod_child_open(maker->root, slash ? above : "/", O_PATH | O_DIRECTORY, inside);
    if (parent < 0) return parent;
    long result = make_in((int)parent, maker, name, 1);
    // One component and no link: it stays in the directory.
    if (result >= 0) result = CALL(openat, parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    CALL(close, parent);
    return result;
}

long swiftpod_child_target(int root, const char *path, unsigned mode, unsigned uid, unsigned gid) {
    long found = swiftpod_child_open(root, path, O_PATH, inside);
    if (found != -ENOENT || !mode) return found;
    struct maker maker = {.root = root, .mode = mode, .uid = uid, .gid = gid};
    found = make_last(&maker, path);
    if (found != -EEXIST && found != -ENOENT) return found;
    // The kernel cannot say how far it came: walk again, link by link, and make what is missing.
    return walk_path(&maker, path);
}

long swiftpod_child_parent(int root, const char *path, const char **name) {
    const char *last = path;
    for (const char *at = path; *at; at++) {
        if (*at == '/') last = at + 1;
    }
    *name = last;
    char parent[path_size];
    size_t length = (size_t)(last - path);
    if (length + 1 > sizeof parent) return -ENAMETOOLONG;
    for (size_t i = 0; i < length; i++) parent[i] = path[i];
    parent[length] = 0;
    return swiftpod_child_target(root, length ? parent : "/", S_IFDIR | 0755, 0, 0);
}
