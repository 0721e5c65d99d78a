// The supervision loop, and the small process that is nothing but this loop.
//
// It allocates nothing and uses neither streams of stdio nor locale nor time zone code: the detached supervisor's private memory
// is what libc's start-up dirties and one stack.
#define _GNU_SOURCE 1
#include "include/supervision.h"
#include "rawcall.h"
#include "supervisor_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// conmon's buffer size: a line that is longer is logged as several partial ones, cut at the same places.
#define CHUNK 8192
// What a pipe takes without blocking once poll says that it is writable.
#define ATOMIC 4096
// A terminal that nobody has open just now is looked at again after so many milliseconds.
#define RETRY 100
// A supervisor without work for so many milliseconds gives its clean pages back.
#define RESTLESS 200

enum { HUNG_UP = 1, CLOSED = 2 };

struct stream {
    int source;
    int sink;
    int state;       // 0, HUNG_UP, CLOSED
    const char *tag; // " stdout F " with the letter to be set
    size_t from, to; // what of `bytes` waits for the sink
    char bytes[CHUNK];
};

struct loop {
    struct swiftpod_supervision *s;
    struct stream streams[2];
    int input;      // -1 when it has ended
    int input_sink; // -1 when closed
    size_t input_from, input_to;
    char input_bytes[ATOMIC];
    int detach_seen; // so many of the detach keys have been typed, and are not passed on yet
    struct swiftpod_log log;
    int signals; // signalfd
    int sleeper; // a process of its own, which is to be small while nothing happens
    int64_t deadline; // milliseconds of CLOCK_MONOTONIC, 0 for none
    int out_of_memory; // an OOM killer has taken a process
};

// --- time ------------------------------------------------------------------------------------------------------------

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// --- streams ---------------------------------------------------------------------------------------------------------

// Hands on what waits; never more at once than a writable pipe takes without blocking.
static void flush_stream(struct loop *l, struct stream *stream) {
    size_t count = stream->to - stream->from;
    if (count > ATOMIC) count = ATOMIC;
    ssize_t written = write(stream->sink, stream->bytes + stream->from, count);
    if (written >= 0) {
        stream->from += (size_t)written;
    } else if (errno != EINTR && errno != EAGAIN) {
        // Nobody reads any more. The container gets to know it as any program in a pipeline does: its own writes fail.
        stream->from = stream->to = 0;
        if (l->s->terminal < 0) {
            close(stream->source);
            l->s->output[stream - l->streams] = -1;
            stream->state = CLOSED;
        }
        stream->sink = -1;
    }
}

// Returns 1 when something came, 0 when nothing is there just now or ever again.
static int fill_stream(struct loop *l, struct stream *stream) {
    ssize_t got;
    do got = read(stream->source, stream->bytes, CHUNK);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) {
        // EIO of a terminal: nobody has the other side open, which may change.
        stream->state = got < 0 && errno == EIO ? HUNG_UP : CLOSED;
        return 0;
    }
    stream->state = 0;
    swiftpod_log_chunk(&l->log, stream->tag, stream->bytes, (size_t)got);
    if (stream->sink >= 0) {
        stream->from = 0;
        stream->to = (size_t)got;
        struct pollfd ready = {.fd = stream->sink, .events = POLLOUT};
        if (poll(&ready, 1, 0) == 1) flush_stream(l, stream);
    }
    return 1;
}

static void end_input(struct loop *l) {
    l->input = -1;
    if (l->s->terminal >= 0) return;
    if (l->input_sink >= 0) {
        close(l->input_sink);
        l->s->input_sink = l->input_sink = -1;
    }
}

static void flush_input(struct loop *l) {
    int sink = l->s->terminal >= 0 ? l->s->terminal : l->input_sink;
    ssize_t written = write(sink, l->input_bytes + l->input_from, l->input_to - l->input_from);
    if (written >= 0) {
        l->input_from += (size_t)written;
    } else if (errno != EINTR && errno != EAGAIN) {
        l->input_from = l->input_to = 0;
        if (errno != EIO) end_input(l);
    }
}

// What has just been typed, less the detach keys: those that came so far stay back until it is clear what they are.
static void take_typed(struct loop *l, const char *typed, size_t count) {
    const char *keys = l->s->detach_keys;
    char *to = l->input_bytes;
    for (size_t i = 0; i < count && !l->s->detached; i++) {
        if (typed[i] == keys[l->detach_seen]) {
            if (++l->detach_seen == l->s->detach_count) l->s->detached = 1;
            continue;
        }
        memcpy(to, keys, (size_t)l->detach_seen);
        to += l->detach_seen;
        l->detach_seen = typed[i] == keys[0];
        if (l->detach_seen == 0) *to++ = typed[i];
        // A sequence of one key is whole with its first.
        if (l->detach_seen == l->s->detach_count) l->s->detached = 1;
    }
    l->input_from = 0;
    l->input_to = (size_t)(to - l->input_bytes);
}

static void fill_input(struct loop *l) {
    char typed[ATOMIC - 64];
    ssize_t got = l->s->detach_count > 0 ? read(l->input, typed, sizeof typed)
                                         : read(l->input, l->input_bytes, sizeof l->input_bytes);
    if (got > 0) {
        l->input_from = 0;
        l->input_to = (size_t)got;
        if (l->s->detach_count > 0) take_typed(l, typed, (size_t)got);
        if (l->input_from < l->input_to) flush_input(l);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        if (l->s->terminal >= 0 && got == 0) {
            // End of file through a terminal is its end-of-file character.
            l->input_bytes[0] = 4;
            l->input_from = 0;
            l->input_to = 1;
            flush_input(l);
        }
        if (l->input_from == l->input_to) {
            end_input(l);
        } else {
            l->input = -1;
        }
    }
}

static void follow_size(struct loop *l) {
    struct winsize size;
    if (l->s->terminal < 0 || l->s->size_source < 0) return;
    if (ioctl(l->s->size_source, TIOCGWINSZ, &size) == 0) ioctl(l->s->terminal, TIOCSWINSZ, &size);
}

// --- signals ---------------------------------------------------------------------------------------------------------

static void proxied_signals(sigset_t *set) {
    sigfillset(set);
    // Not passed on: what says something about this very process, and job control of a terminal that this process
    // reads and writes.
    const int own[] = {SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) sigdelset(set, own[i]);
}

static void forward_signals(struct loop *l) {
    struct signalfd_siginfo info;
    while (read(l->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH && l->s->terminal >= 0) {
            follow_size(l);
        } else if (l->s->proxy) {
            syscall(SYS_pidfd_send_signal, l->s->pidfd, (int)info.ssi_signo, NULL, 0);
        }
    }
}

// --- end -------------------------------------------------------------------------------------------------------------

// A process of the container's was taken by an OOM killer: a line "oom_kill N". One of systemd's cgroups is gone as soon as
// it is empty, and its counters with it: there the file is looked at whenever it changes, which at a limit it does up to a
// hundred times a second.
static void look_for_oom(struct loop *l) {
    char text[512];
    ssize_t got = l->s->memory_events < 0 ? 0 : pread(l->s->memory_events, text, sizeof text - 1, 0);
    if (got <= 0) return;
    text[got] = 0;
    const char *line = strstr(text, "oom_kill ");
    if (line != NULL && strtol(line + 9, NULL, 10) > 0) l->out_of_memory = 1;
}

static void record_end(struct loop *l) {
    if (l->s->exit_file < 0) return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char line[192], *at = line;
    int killed = l->s->end_kind != CLD_EXITED;
    at = stpcpy(at, "{\"code\":");
    at = swiftpod_put_number(at, (uint64_t)(killed ? 128 + l->s->end_status : l->s->end_status));
    at = stpcpy(at, ",\"signal\":");
    at = swiftpod_put_number(at, (uint64_t)(killed ? l->s->end_status : 0));
    at = stpcpy(at, ",\"seconds\":");
    at = swiftpod_put_number(at, (uint64_t)now.tv_sec);
    at = stpcpy(at, ",\"nanoseconds\":");
    at = swiftpod_put_number(at, (uint64_t)now.tv_nsec);
    look_for_oom(l);
    if (l->out_of_memory) at = stpcpy(at, ",\"oomKilled\":true");
    at = stpcpy(at, l->s->timed_out ? ",\"timedOut\":true}\n" : ",\"timedOut\":false}\n");
    // One write of less than a page: readers see nothing or all of it.
    while (pwrite(l->s->exit_file, line, (size_t)(at - line), 0) < 0 && errno == EINTR) {}
}

static void drain(struct loop *l) {
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &l->streams[i];
        if (stream->source < 0) continue;
        // Processes that outlive the container's first one may hold the other end: take what is there, wait for no
        // more.
        fcntl(stream->source, F_SETFL, fcntl(stream->source, F_GETFL) | O_NONBLOCK);
        do {
            while (stream->sink >= 0 && stream->from < stream->to) {
                // There is no container left to pass signals to: one that comes now means this very wait.
                struct pollfd ready[2] = {{.fd = stream->sink, .events = POLLOUT}, {.fd = l->signals, .events = POLLIN}};
                if (poll(ready, 2, -1) > 0 && ready[1].revents) return;
                if (ready[0].revents) flush_stream(l, stream);
            }
        } while (stream->state != CLOSED && fill_stream(l, stream));
    }
}

static int reap(struct loop *l) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result;
    do result = waitid((idtype_t)P_PIDFD, (id_t)l->s->pidfd, &info, WEXITED | __WALL);
    while (result != 0 && errno == EINTR);
    if (result != 0) return -1;
    l->s->end_kind = info.si_code;
    l->s->end_status = info.si_status;
    return 0;
}

// --- the loop --------------------------------------------------------------------------------------------------------

static void start_loop(struct loop *l, struct swiftpod_supervision *s) {
    l->s = s;
    l->input = s->input;
    l->input_sink = s->input_sink;
    l->input_from = l->input_to = 0;
    l->detach_seen = 0;
    s->detached = 0;
    l->out_of_memory = 0;
    l->log = (struct swiftpod_log){
        .descriptor = s->log, .path = s->log_path, .limit = s->log_limit, .utc_offset = s->utc_offset};
    swiftpod_log_open(&l->log);
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &l->streams[i];
        stream->source = s->terminal >= 0 ? (i == 0 ? s->terminal : -1) : s->output[i];
        stream->sink = s->attached[i];
        stream->state = stream->source < 0 ? CLOSED : 0;
        stream->tag = i == 0 ? " stdout F " : " stderr F ";
        stream->from = stream->to = 0;
    }
    if (s->terminal >= 0) fcntl(s->terminal, F_SETFL, fcntl(s->terminal, F_GETFL) | O_NONBLOCK);
    if (s->input_sink >= 0) fcntl(s->input_sink, F_SETFL, fcntl(s->input_sink, F_GETFL) | O_NONBLOCK);
    sigset_t set;
    if (s->proxy) {
        proxied_signals(&set);
    } else {
        sigemptyset(&set);
        sigaddset(&set, SIGWINCH);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    // A sink that goes away is an error of write, not the end of this process.
    signal(SIGPIPE, SIG_IGN);
    follow_size(l);
    l->deadline = s->timeout ? monotonic_ms() + (int64_t)s->timeout * 1000 : 0;
}

static int time_left(struct loop *l) {
    int64_t left = -1;
    if (l->deadline != 0) {
        left = l->deadline - monotonic_ms();
        if (left <= 0) {
            syscall(SYS_pidfd_send_signal, l->s->pidfd, SIGKILL, NULL, 0);
            l->s->timed_out = 1;
            l->deadline = 0;
            left = -1;
        }
    }
    if (l->streams[0].state == HUNG_UP && (left < 0 || left > RETRY)) left = RETRY;
    return left > 0x7fffffff ? 0x7fffffff : (int)left;
}

// poll(2) that needs no page of libc.
static int wait_small(struct pollfd *ready, int count, int milliseconds) {
    struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    long result = swiftpod_raw(SYS_ppoll, (long)ready, count, milliseconds < 0 ? 0 : (long)&time, 0);
    if (result >= 0) return (int)result;
    errno = (int)-result;
    return -1;
}

// The process runs on, and whoever supervises it from here gets signals as any process does.
static int leave_loop(struct loop *l) {
    while (l->input_from < l->input_to) {
        size_t before = l->input_from;
        flush_input(l);
        if (l->input_from == before) break;
    }
    close(l->signals);
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return 0;
}

static int supervise(struct swiftpod_supervision *s, int sleeper) {
    struct loop loop, *l = &loop;
    start_loop(l, s);
    l->sleeper = sleeper;
    for (;;) {
        int timeout = time_left(l);
        // Entries that are not wanted this time have -1, which poll passes over.
        struct pollfd ready[10] = {
            {.fd = s->pidfd, .events = POLLIN},
            {.fd = l->signals, .events = POLLIN},
            {.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1},
            // Once is enough.
            {.fd = s->memory_vanishes && !l->out_of_memory ? s->memory_events : -1, .events = POLLPRI},
            {.fd = s->notes, .events = POLLIN},
        };
        for (int i = 0; i < 2; i++) {
            struct stream *stream = &l->streams[i];
            if (stream->from < stream->to) {
                ready[4 + i] = (struct pollfd){.fd = stream->sink, .events = POLLOUT};
            } else if (stream->state == 0) {
                ready[2 + i] = (struct pollfd){.fd = stream->source, .events = POLLIN};
            }
        }
        if (l->input_from < l->input_to) {
            ready[7] = (struct pollfd){.fd = s->terminal >= 0 ? s->terminal : l->input_sink, .events = POLLOUT};
        } else if (l->input >= 0) {
            ready[6] = (struct pollfd){.fd = l->input, .events = POLLIN};
        }
        int count;
        if (l->sleeper && (timeout < 0 || timeout > 2 * RESTLESS)) {
            count = poll(ready, 10, RESTLESS);
            if (count == 0) {
                swiftpod_forget_clean_pages(swiftpod_open_pagemap());
                count = wait_small(ready, 10, timeout < 0 ? timeout : timeout - RESTLESS);
            }
        } else {
            count = poll(ready, 10, timeout);
        }
        if (count < 0 && errno != EINTR) break;
        if (count < 0) continue;
        if (count == 0 && l->streams[0].state == HUNG_UP) fill_stream(l, &l->streams[0]);
        // Before all that the end takes: the file may be gone by then.
        if (ready[8].revents || ready[0].revents) look_for_oom(l);
        if (ready[8].revents & POLLNVAL) s->memory_events = -1;
        if (ready[1].revents) forward_signals(l);
        // Said once; what else comes is read all the same, or its senders would wait for ever.
        if (ready[9].revents && swiftpod_pass_readiness(s->notes, s->manager, "READY=1")) s->manager = -1;
        for (int i = 0; i < 2; i++) {
            if (ready[4 + i].revents) flush_stream(l, &l->streams[i]);
            if (ready[2 + i].revents) fill_stream(l, &l->streams[i]);
        }
        if (ready[7].revents) {
            flush_input(l);
            if (l->input < 0 && l->input_from == l->input_to) end_input(l);
        }
        if (ready[6].revents) fill_input(l);
        if (ready[0].revents) break;
        if (s->detached) return leave_loop(l);
    }
    // The ended process is not reaped yet, so that its number, the group's, is nobody else's.
    if (s->group > 0) kill(-s->group, SIGKILL);
    int result = reap(l);
    int error = errno;
    if (result == 0) {
        // The log is whole before the record says that the container has ended.
        drain(l);
        record_end(l);
    }
    close(l->signals);
    errno = error;
    return result;
}

int swiftpod_supervise(struct swiftpod_supervision *s) { return supervise(s, 0); }

// --- the process that is nothing but the loop ------------------------------------------------------------------------

#define FIELDS 18
#define THEN 15

static char *put_field(char *at, int64_t value) {
    if (value < 0) {
        *at++ = '-';
        value = -value;
    }
    at = swiftpod_put_number(at, (uint64_t)value);
    *at++ = ',';
    return at;
}

int swiftpod_become_supervisor(const struct swiftpod_supervision *s, const char *id, const char *const *then) {
    const int descriptors[] = {
        s->pidfd, s->terminal, s->output[0], s->output[1], s->input_sink, s->log, s->exit_file,
        s->memory_events,
    };
    if (syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) != 0) return -1;
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) {
        if (descriptors[i] >= 0) fcntl(descriptors[i], F_SETFD, 0);
    }
    char fields[FIELDS * 22], *at = fields;
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) at = put_field(at, descriptors[i]);
    at = put_field(at, s->timeout);
    at = put_field(at, s->utc_offset);
    at = put_field(at, (int64_t)s->log_limit);
    at = put_field(at, s->group);
    at = put_field(at, s->memory_vanishes);
    *at = 0;
    const char *arguments[4 + THEN + 1] = {"swiftpod-supervisor", id, fields, s->log_path ? s->log_path : ""};
    for (int i = 0; then[i] != NULL && i < THEN; i++) arguments[4 + i] = then[i];
    extern char **environ;
    execve("/proc/self/exe", (char *const *)(uintptr_t)arguments, environ);
    return -1;
}

static int64_t take_field(const char **at) {
    char *end;
    int64_t value = strtoll(*at, &end, 10);
    *at = *end == ',' ? end + 1 : end;
    return value;
}

void swiftpod_supervisor_main(int count, char **arguments, char **environment) {
    if (count < 5) _exit(125);
    prctl(PR_SET_NAME, "swiftpod-superv");
    struct swiftpod_supervision s;
    memset(&s, 0, sizeof s);
    s.attached[0] = s.attached[1] = s.input = s.size_source = s.notes = s.manager = -1;
    const char *at = arguments[2];
    int *const descriptors[] = {
        &s.pidfd, &s.terminal, &s.output[0], &s.output[1], &s.input_sink, &s.log, &s.exit_file,
        &s.memory_events,
    };
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) *descriptors[i] = (int)take_field(&at);
    s.timeout = (uint32_t)take_field(&at);
    s.utc_offset = (int32_t)take_field(&at);
    s.log_limit = (uint64_t)take_field(&at);
    s.group = (int32_t)take_field(&at);
    s.memory_vanishes = (int)take_field(&at);
    s.log_path = arguments[3];
    supervise(&s, 1);
    syscall(SYS_close_range, 3, ~0U, 0);
    execve("/proc/self/exe", arguments + 4, environment);
    _exit(125);
}
