// Whole processes, measured from outside: wall time, CPU time and peak memory.
#ifndef SWIFTPOD_STOPWATCH_H
#define SWIFTPOD_STOPWATCH_H

#include <stddef.h>
#include <stdint.h>

/// A program and what it is given; the lists end with NULL.
struct stopwatch_command {
    const char *path;
    char *const *arguments;
    char *const *environment;
};

struct stopwatch_result {
    /// CLOCK_MONOTONIC in nanoseconds: before the spawn, and after the process was reaped.
    uint64_t start, end;
    /// Nanoseconds, of the process and of the children it waited for.
    uint64_t user, system;
    /// The largest resident set of one of these processes, in bytes.
    uint64_t peak;
    /// As wait(2) has it; -1 where it could not be started, `error` then says why.
    int32_t status;
    int32_t error;
};

/// Memory that children share, zeroed; NULL with errno.
void *stopwatch_memory(size_t bytes);
void stopwatch_free(void *memory, size_t bytes);

/// Runs `lanes` sequences at once, each of `steps` commands one after the other (a sequence ends at the first command
/// that fails). Commands stand lane by lane; so do the results, in memory of stopwatch_memory(). stdin and stdout are
/// /dev/null, stderr is `errors`. Returns 0, or -1 with errno.
int stopwatch_run(
    const struct stopwatch_command *commands, size_t lanes, size_t steps, int errors, struct stopwatch_result *results);

/// Makes this process the one that orphans among its descendants come to.
int stopwatch_adopt_orphans(void);

/// Shows cgroup v2 alone at /sys/fs/cgroup in a mount namespace of this process's own, where v1 is mounted beside it:
/// crun and podman start no rootless container otherwise. Returns 0, also where there is nothing to do.
int stopwatch_show_cgroup2(void);

/// setgroups(2), setgid(2) and setuid(2) to a user, by number. Returns 0, or -1 with errno.
int stopwatch_become(uint32_t uid, uint32_t gid);

/// The f_type of statfs(2), 0 where it fails: Swift does not see the structure.
uint64_t stopwatch_file_system(const char *path);

/// fork(2); Swift hides it.
int stopwatch_fork(void);

#endif
