// What stays beside a container while it runs: the loop that passes its streams on, writes its log and waits for its
// end, and the process that keeps the user namespace. Both also run as processes of their own, entered before main, so
// that nothing of Swift is touched and they stay small. See Sources/ContainerEngine/Supervision/README.md.
#ifndef SWIFTPOD_SUPERVISION_H
#define SWIFTPOD_SUPERVISION_H

#include <stdint.h>

/// No offset from UTC that a place on earth has.
#define SWIFTPOD_OFFSET_LATER (-2147483647)

/// Descriptors are -1 where there is none. The caller closes them; those that the loop has closed itself (the end of
/// the container's stdin, outputs that nobody reads any more) are -1 afterwards.
struct swiftpod_supervision {
    /// The container's process, a child of this one. Opened without PIDFD_NONBLOCK.
    int32_t pidfd;
    /// The master of the container's terminal; `output` is unused then.
    int32_t terminal;
    /// Read ends of the container's stdout and stderr.
    int32_t output[2];
    /// Where these are passed on to.
    int32_t attached[2];
    /// What is passed on to the container, and the write end of its stdin (unused with a terminal).
    int32_t input;
    int32_t input_sink;
    /// A terminal whose size the container's terminal follows.
    int32_t size_source;
    /// Log in the k8s-file format, opened for appending.
    int32_t log;
    /// Receives one line of JSON in one write when the container has ended.
    int32_t exit_file;
    /// `memory.events` of the container's cgroup, from which the record tells an OOM kill from any other.
    int32_t memory_events;
    /// A container's socket of sd_notify(3), and the service manager's that hears from here that it is ready.
    int32_t notes;
    int32_t manager;
    /// 1: it is gone as soon as the container has ended, so it is read whenever it changes.
    int32_t memory_vanishes;
    /// What is typed to leave the container to itself; passed on only where it turns out to be something else.
    const char *detach_keys;
    int32_t detach_count;
    /// 1: signals that reach this process go to the container.
    int32_t proxy;
    /// A process group that is killed when the container has ended: one without a pid namespace may leave processes.
    /// 0 for none.
    int32_t group;
    /// Seconds after which the container is killed; 0 is never.
    uint32_t timeout;
    /// Seconds east of UTC, for the log's timestamps; SWIFTPOD_OFFSET_LATER: found when the first line is written.
    int32_t utc_offset;
    /// Bytes after which the log begins anew; 0 is never.
    uint64_t log_limit;
    /// The log's path, to begin it anew; NULL where it is not limited.
    const char *log_path;

    /// Results: CLD_EXITED and the exit status, or CLD_KILLED (or CLD_DUMPED) and the signal.
    int32_t end_kind;
    int32_t end_status;
    /// 1: killed by `timeout`.
    int32_t timed_out;
    /// 1: the loop ended because the detach keys were typed; the process runs on.
    int32_t detached;
};

/// Runs until the container has ended and all that it wrote before is passed on. Returns 0, or -1 with errno when the
/// container could not be waited for. Signals that are proxied stay blocked afterwards.
int swiftpod_supervise(struct swiftpod_supervision *s);

/// Becomes the small supervisor process: executes this program again under the name `swiftpod-supervisor`, keeping the
/// descriptors named in `s` and no others. `then` is what it executes in the end (arguments of this program, NULL-
/// terminated, at most 15). Returns only on failure, with errno.
int swiftpod_become_supervisor(const struct swiftpod_supervision *s, const char *id, const char *const *then);

/// A datagram socket that a container says to when it is ready, and one connected to the service manager's: a path, or a
/// name behind an @. Both return -1 with errno.
int swiftpod_listen_for_notes(const char *path);
int swiftpod_connect_to_manager(const char *address);

/// Reads one message of sd_notify(3) and, where it says READY=1, sends `message` on to the manager (unless that is -1).
/// Returns 1 then, and 0 for any other message or none.
int swiftpod_pass_readiness(int notes, int manager, const char *message);

/// Unmaps what of the executable was only read, until it is wanted again: for a process that is about to sleep long.
/// `pagemap` is swiftpod_open_pagemap's and closed; -1: nothing is unmapped.
void swiftpod_forget_clean_pages(int pagemap);
/// This process's /proc/self/pagemap, or -1 with errno: who has changed his user since his last exec may not open it.
int swiftpod_open_pagemap(void);

#endif
