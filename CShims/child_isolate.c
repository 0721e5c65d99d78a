// How the launcher's own process gets into a new user namespace. Only a process outside may write a map of many ids, so
// a helper is left there for as long as it takes. It shares this process's memory: nothing is copied for it, and this
// process waits for its end. Not for the child of a clone, which its parent maps.
#define _GNU_SOURCE 1
#include "child.h"

#include "rawcall.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

struct helper {
    const struct swiftpod_maps *maps;
    long target;
    int wake;
    /// The other end, which only the other process may hold: its death is seen by that.
    int other;
    /// Minus an error number.
    long result;
};

static size_t length(const char *text) {
    size_t count = 0;
    while (text[count]) count++;
    return count;
}

static long put(const struct helper *helper, const char *name, const char *text) {
    char path[48] = "/proc/", digits[24];
    size_t at = 6, count = 0;
    for (long number = helper->target; number > 0; number /= 10) digits[count++] = (char)('0' + number % 10);
    while (count > 0) path[at++] = digits[--count];
    path[at++] = '/';
    for (; *name; name++) path[at++] = *name;
    path[at] = 0;
    long file = swiftpod_raw(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC, 0);
    if (file < 0) return file;
    long written = swiftpod_raw(SYS_write, file, (long)text, (long)length(text), 0);
    swiftpod_raw(SYS_close, file, 0, 0, 0);
    return written < 0 ? written : 0;
}

// errno is the other process's too: raw system calls only.
static int help(void *argument) {
    struct helper *helper = argument;
    char byte;
    swiftpod_raw(SYS_close, helper->other, 0, 0, 0);
    // No byte: the namespace did not come about, or whoever wanted it was killed.
    if (swiftpod_raw(SYS_read, helper->wake, (long)&byte, 1, 0) != 1) return 0;
    const struct swiftpod_maps *maps = helper->maps;
    long result = maps->setgroups ? put(helper, "setgroups", maps->setgroups) : 0;
    if (result >= 0) result = put(helper, "uid_map", maps->uid);
    if (result >= 0) result = put(helper, "gid_map", maps->gid);
    helper->result = result;
    return 0;
}

long swiftpod_child_isolate(uint64_t kinds, const struct swiftpod_maps *maps) {
    if (!maps->uid) return CALL(unshare, kinds);
    // A stack grows down from its end; the helper needs a few hundred bytes of it.
    _Alignas(16) char stack[8192];
    int ends[2];
    long result = CALL(pipe2, ends, O_CLOEXEC);
    if (result < 0) return result;
    struct helper helper = {.maps = maps, .wake = ends[0], .other = ends[1], .result = -ECHILD};
    helper.target = CALL(getpid);
    // No exit signal: the container's process must find none of ours. __WALL waits for such a child.
    int pid = clone(help, stack + sizeof stack, CLONE_VM, &helper);
    result = pid < 0 ? -errno : CALL(unshare, kinds);
    char byte = 0;
    if (result >= 0) result = CALL(write, ends[1], &byte, 1);
    CALL(close, ends[1]);
    CALL(close, ends[0]);
    if (pid > 0) {
        long waited;
        do waited = CALL(wait4, pid, 0, __WALL, 0);
        while (waited == -EINTR);
    }
    return result < 0 ? result : helper.result;
}
