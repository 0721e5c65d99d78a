// The interpreter of launch plans. It runs in the child of a clone whose parent may have had threads, so that any lock
// of libc may be held for ever: it makes system calls and nothing else. A test checks what it is linked against. It also
// runs in the launcher itself, where that becomes the container's process.
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

enum { kernel_signals = 64, signal_set_size = 8, close_range_on_exec = 4 };

// The kernel's struct sigaction, which is not libc's.
struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

struct child {
    const struct swiftpod_program *program;
    int channel;
    // What to execute, where that was told later than the program was made.
    const struct swiftpod_command *told;
};

long swiftpod_call(long number, long a, long b, long c, long d, long e, long f) {
    long result = syscall(number, a, b, c, d, e, f);
    return result == -1 ? -errno : result;
}

static long clone_process(uint64_t flags, int cgroup, uint64_t exit_signal, int *pidfd) {
    struct clone_args arguments = {
        .flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = exit_signal,
        .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
    };
    return CALL(clone3, &arguments, sizeof arguments);
}

// MARK: - The channel

static long send_report(int channel, uint32_t kind, int index, int value, int descriptor) {
    // In the launcher's own process there is nobody to tell.
    if (channel < 0) return 0;
    struct swiftpod_report report = {.kind = kind, .index = index, .value = value};
    struct iovec piece = {.iov_base = &report, .iov_len = sizeof report};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {.bytes = {0}};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (descriptor >= 0) {
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        *(int *)CMSG_DATA(&control.header) = descriptor;
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
    }
    return CALL(sendmsg, channel, &message, MSG_NOSIGNAL);
}

static void describe_failure(
    const struct swiftpod_program *program, int index, int failure, struct swiftpod_report *report) {
    const struct swiftpod_step *step = &program->steps[index];
    *report = (struct swiftpod_report){.kind = SWIFTPOD_FAILED, .index = index, .value = failure};
    int has_log = step->op == SWIFTPOD_FS_SET || step->op == SWIFTPOD_FS_LAYERS || step->op == SWIFTPOD_FS_CREATE;
    // A file system's context keeps what it has to say, as "e overlay: …".
    if (has_log && step->in >= 0) CALL(read, program->slots[step->in], report->text, sizeof report->text - 1);
}

static long await_byte(int channel) {
    char byte;
    long got = CALL(read, channel, &byte, 1);
    // The launcher was killed: nobody wants this container any more.
    if (got == 0) CALL(exit_group, 1);
    return got < 0 ? got : 0;
}

// A process that waits long holds nothing of what the launcher had open: whoever waits for the end of a pipe would wait
// for this process, and what lies outside of the root is out of reach (CVE-2024-21626).
static long let_go(struct child *child, int *listener, int32_t *kept, int first) {
    long guard = kept && *kept >= 0 ? CALL(fcntl, *kept, F_DUPFD_CLOEXEC, first + 3) : -1;
    long moved = CALL(fcntl, *listener, F_DUPFD_CLOEXEC, first + 3);
    long channel = CALL(fcntl, child->channel, F_DUPFD_CLOEXEC, first + 3);
    if (moved < 0 || channel < 0) return moved < 0 ? moved : channel;
    moved = CALL(dup3, moved, first, O_CLOEXEC);
    if (moved >= 0) channel = CALL(dup3, channel, first + 1, O_CLOEXEC);
    if (moved < 0 || channel < 0) return moved < 0 ? moved : channel;
    *listener = (int)moved;
    child->channel = (int)channel;
    if (guard >= 0) {
        guard = CALL(dup3, guard, first + 2, O_CLOEXEC);
        if (guard < 0) return guard;
        *kept = (int32_t)guard;
    }
    return CALL(close_range, first + (guard >= 0 ? 3 : 2), ~0U, 0);
}

static long accept_starter(struct child *child, int listener, int32_t *kept, int first) {
    long result = let_go(child, &listener, kept, first);
    if (result < 0) return result;
    // The launch is over for whoever launched.
    CALL(close, child->channel);
    child->channel = -1;
    for (;;) {
        long connection = CALL(accept4, listener, 0, 0, SOCK_CLOEXEC);
        if (connection < 0) return connection;
        char byte;
        if (CALL(read, connection, &byte, 1) == 1) {
            child->channel = (int)connection;
            CALL(close, listener);
            return 0;
        }
        // Somebody connected and went away, or was killed: the next one may mean it.
        CALL(close, connection);
    }
}

static long clone_sibling(struct child *child, const struct swiftpod_step *step, int index, int cgroup) {
    // CLONE_PARENT: the launcher is the parent of what runs in the end, and reaps it.
    long pid = clone_process(step->a | CLONE_PARENT, cgroup, 0, NULL);
    int refused = pid < 0 && cgroup >= 0;
    if (refused) pid = clone_process(step->a | CLONE_PARENT, -1, 0, NULL);
    if (pid < 0) return pid;
    if (pid > 0) {
        send_report(child->channel, refused ? SWIFTPOD_CLONED_OUTSIDE : SWIFTPOD_CLONED, index, (int)pid, -1);
        CALL(exit_group, 0);
    }
    return 0;
}

// MARK: - Identity

static long set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return CALL(capset, &header, data);
}

static long raise_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    long result = CALL(capget, &header, data);
    if (result < 0) return result;
    data[0].effective = data[0].permitted;
    data[1].effective = data[1].permitted;
    return CALL(capset, &header, data);
}

static long limit_bounding_set(uint64_t mask, uint64_t last) {
    for (uint64_t number = 0; number <= last; number++) {
        if (mask >> number & 1) continue;
        long result = CALL(prctl, PR_CAPBSET_DROP, number);
        if (result < 0) return result;
    }
    return 0;
}

static long set_ambient(uint64_t mask, uint64_t last) {
    long result = CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
    for (uint64_t number = 0; number <= last && result >= 0; number++) {
        if (mask >> number & 1) result = CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number);
    }
    return result;
}

static long set_ids(uint64_t uid, uint64_t gid) {
    long result = CALL(setresgid, gid, gid, gid);
    return result < 0 ? result : CALL(setresuid, uid, uid, uid);
}

static long load_filter(struct child *child, const struct swiftpod_step *step, int index) {
    struct sock_fprog program = {.len = (unsigned short)step->n, .filter = (struct sock_filter *)step->data};
    long listener = CALL(seccomp, SECCOMP_SET_MODE_FILTER, step->a, &program);
    if (listener < 0 || !step->b) return listener;
    long result = send_report(child->channel, SWIFTPOD_LISTENER, index, 0, (int)listener);
    CALL(close, listener);
    return result;
}

static long system_call(const struct swiftpod_system_call *call) {
    const long *a = call->arguments;
    return swiftpod_call(call->number, a[0], a[1], a[2], a[3], a[4], 0);
}

// A network of its own begins with its loopback down, and programs count on it.
static long raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    long control = CALL(socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0) return control;
    long result = CALL(ioctl, control, SIOCSIFFLAGS, &request);
    CALL(close, control);
    return result;
}

static long set_limit(const struct swiftpod_step *step) {
    struct {
        uint64_t soft, hard;
    } limit = {step->b, step->c};
    return CALL(prlimit64, 0, step->a, &limit);
}

// MARK: - Files

// CVE-2025-52881: what is written to /proc must reach /proc, whatever is mounted or linked where.
static long write_file(int proc, const char *path, uint64_t length) {
    long file = swiftpod_child_open(proc, path, O_WRONLY,
                                    RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
    if (file < 0) return file;
    long written = CALL(write, file, swiftpod_second(path), length);
    CALL(close, file);
    return written < 0 ? written : 0;
}

static long make_symlink(int root, const char *path) {
    const char *name;
    long parent = swiftpod_child_parent(root, path, &name);
    if (parent < 0) return parent;
    long result = CALL(symlinkat, swiftpod_second(path), parent, name);
    CALL(close, parent);
    return result;
}

static long make_node(int root, const struct swiftpod_step *step) {
    const char *name;
    long parent = swiftpod_child_parent(root, step->data, &name);
    if (parent < 0) return parent;
    long result = CALL(mknodat, parent, name, step->a, step->b);
    // The umask does not apply to what the specification says outright.
    if (result >= 0) result = CALL(fchmodat, parent, name, step->a & 07777);
    if (result >= 0) result = CALL(fchownat, parent, name, step->c >> 32, (uint32_t)step->c, AT_SYMLINK_NOFOLLOW);
    CALL(close, parent);
    return result;
}

// CVE-2024-21626: a working directory such as /proc/self/fd/7 may lie outside the root; getcwd knows.
static long change_directory(const char *path) {
    char place[4096];
    long result = CALL(chdir, path);
    if (result < 0) return result;
    result = CALL(getcwd, place, sizeof place);
    if (result < 0) return result;
    return place[0] == '/' ? 0 : -EXDEV;
}

static long own(const struct swiftpod_step *step, int descriptor) {
    if (step->n) {
        struct stat status;
        long result = CALL(fstat, descriptor, &status);
        if (result < 0) return result;
        // What the caller redirected to a file of his stays his.
        if (!S_ISFIFO(status.st_mode)) return 0;
    }
    return CALL(fchown, descriptor, step->a, (int)step->b);
}

// MARK: - Terminal and descriptors

static long make_terminal(struct child *child, int master, uint64_t size, int index) {
    int unlocked = 0;
    long result = CALL(ioctl, master, TIOCSPTLCK, &unlocked);
    if (result < 0) return result;
    // By the master itself: a path such as /dev/pts/0 could have been made to mean something else.
    long slave = CALL(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) return slave;
    if (size) {
        struct winsize window = {.ws_row = (unsigned short)(size >> 16), .ws_col = (unsigned short)size};
        CALL(ioctl, slave, TIOCSWINSZ, &window);
    }
    result = send_report(child->channel, SWIFTPOD_TERMINAL, index, 0, master);
    return result < 0 ? result : slave;
}

static long clear_close_on_exec(int first, int last) {
    for (int number = first; number <= last; number++) {
        // What the caller did not open is not there to be kept.
        long result = CALL(fcntl, number, F_SETFD, 0);
        if (result < 0 && result != -EBADF) return result;
    }
    return 0;
}

static long place(int from, int to) {
    return from == to ? clear_close_on_exec(to, to) : CALL(dup3, from, to, 0);
}

// MARK: - The end

// As execvp does it: what is not there is passed over, what may not be executed is remembered.
static long try_candidates(const struct swiftpod_command *command, int really) {
    long failure = -ENOENT;
    for (const char *const *candidate = command->candidates; *candidate; candidate++) {
        long result = really ? CALL(execve, *candidate, command->arguments, command->environment)
                             : CALL(faccessat, AT_FDCWD, *candidate, X_OK);
        switch (-result) {
        case ENOENT: case ENOTDIR: case ESTALE: case ENODEV: case ETIMEDOUT: break;
        case EACCES: failure = result; break;
        default: return result;
        }
    }
    return failure;
}

// Asked after the wish for a signal: a parent that died before it sends none.
static long expect_parent(const struct swiftpod_step *step) {
    if (CALL(getppid) == (long)step->a) return 0;
    long self = CALL(getpid);
    return CALL(kill, self, step->b);
}

static long execute(const struct swiftpod_command *command) {
    uint64_t none = 0;
    CALL(rt_sigprocmask, SIG_SETMASK, &none, 0, signal_set_size);
    return try_candidates(command, 1);
}

// The guard finds the channel under a number that it was made with; its own descriptor is out of the way.
static long execute_guard(struct child *child, int guard, int number) {
    static char *const arguments[] = {"swiftpod-guard", NULL};
    uint64_t none = 0;
    long image = CALL(fcntl, guard, F_DUPFD_CLOEXEC, number + 1);
    if (image < 0) return image;
    long result = number == child->channel ? CALL(fcntl, number, F_SETFD, 0) : CALL(dup3, child->channel, number, 0);
    if (result < 0) return result;
    child->channel = number;
    CALL(rt_sigprocmask, SIG_SETMASK, &none, 0, signal_set_size);
    return CALL(execveat, image, "", arguments, arguments + 1, 0x1000);
}

// MARK: - The switch

static long perform(struct child *child, const struct swiftpod_step *step, int index) {
    int32_t *slots = child->program->slots;
    int in = step->in >= 0 ? slots[step->in] : -1;
    switch (step->op) {
    case SWIFTPOD_AWAIT: return await_byte(child->channel);
    case SWIFTPOD_REACH: {
        long sent = send_report(child->channel, SWIFTPOD_MOMENT, index, (int)step->a, -1);
        return sent < 0 ? sent : await_byte(child->channel);
    }
    case SWIFTPOD_STARTS: return send_report(child->channel, SWIFTPOD_STARTING, index, 0, -1);
    case SWIFTPOD_ACCEPT: return accept_starter(child, in, step->a ? &slots[step->c] : NULL, (int)step->b);
    case SWIFTPOD_CLONE: return clone_sibling(child, step, index, step->b ? slots[step->c] : -1);

    case SWIFTPOD_ENTER: return CALL(setns, in, step->a);
    case SWIFTPOD_UNSHARE: return CALL(unshare, step->a);
    case SWIFTPOD_ISOLATE: return swiftpod_child_isolate(step->a, step->data);
    case SWIFTPOD_HOSTNAME: return CALL(sethostname, step->data, step->n);
    case SWIFTPOD_DOMAINNAME: return CALL(setdomainname, step->data, step->n);
    case SWIFTPOD_LOOPBACK: return raise_loopback();
    case SWIFTPOD_SET_IDS: return set_ids(step->a, step->b);
    case SWIFTPOD_GROUPS: return CALL(setgroups, step->n, step->data);
    case SWIFTPOD_RLIMIT: return set_limit(step);
    case SWIFTPOD_BOUNDING: return limit_bounding_set(step->a, step->b);
    case SWIFTPOD_RAISE: return raise_capabilities();
    case SWIFTPOD_CAPABILITIES: return set_capabilities(step->a, step->b, step->c);
    case SWIFTPOD_AMBIENT: return set_ambient(step->a, step->b);
    case SWIFTPOD_PRCTL: return CALL(prctl, step->a, step->b, step->c);
    case SWIFTPOD_SECCOMP: return load_filter(child, step, index);
    case SWIFTPOD_SYSCALL: return system_call(step->data);
    case SWIFTPOD_UMASK: return CALL(umask, step->a);
    case SWIFTPOD_PARENT: return expect_parent(step);

    case SWIFTPOD_OPEN:
        return swiftpod_child_open(step->in >= 0 ? in : AT_FDCWD, step->data, step->a, step->b);
    case SWIFTPOD_TARGET:
        return swiftpod_child_target(in, step->data, (unsigned)step->a, (unsigned)step->b, (unsigned)step->c);
    case SWIFTPOD_WRITE: return write_file(in, step->data, step->n);
    case SWIFTPOD_SYMLINK: return make_symlink(in, step->data);
    case SWIFTPOD_NODE: return make_node(in, step);
    case SWIFTPOD_CLOSE: slots[step->in] = -1; return CALL(close, in);
    case SWIFTPOD_COPY_UP: return swiftpod_child_copy_up(slots[step->a], step->data, in);
    case SWIFTPOD_CHDIR: return change_directory(step->data);

    case SWIFTPOD_PTY: return make_terminal(child, in, step->a, index);
    case SWIFTPOD_OWN: return own(step, in);
    case SWIFTPOD_SESSION: return CALL(setsid);
    case SWIFTPOD_CONTROL: return CALL(ioctl, in, TIOCSCTTY, 0);
    case SWIFTPOD_COPY: return CALL(fcntl, in, F_DUPFD_CLOEXEC, step->a);
    case SWIFTPOD_PLACE: return place(in, (int)step->a);
    case SWIFTPOD_KEEP: return clear_close_on_exec((int)step->a, (int)step->b);
    case SWIFTPOD_SEAL: return CALL(close_range, step->a, ~0U, close_range_on_exec);

    case SWIFTPOD_REAPER: return swiftpod_child_reaper(step->a, child->channel);
    case SWIFTPOD_PROBE: return try_candidates(step->data, 0);
    case SWIFTPOD_EXEC: return execute(child->told ? child->told : step->data);
    case SWIFTPOD_GUARD: return execute_guard(child, in, (int)step->a);
    default: return swiftpod_child_mount(step, slots);
    }
}

static int is_tolerated(const struct swiftpod_step *step, long failure) {
    for (int i = 0; i < SWIFTPOD_TOLERATED; i++) {
        if (step->tolerated[i] == -failure) return 1;
    }
    return 0;
}

// The system call, where libc would go by the vDSO: what that needs is libc's to set up.
static uint64_t monotonic_now(void) {
    struct timespec now = {0};
    CALL(clock_gettime, CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Handlers are the launcher's, and what it ignores, SIGPIPE say, a container does not.
static void reset_signals(void) {
    struct kernel_sigaction by_default = {0};
    for (int number = 1; number <= kernel_signals; number++) {
        if (number != SIGKILL && number != SIGSTOP) CALL(rt_sigaction, number, &by_default, 0, signal_set_size);
    }
}

// Returns minus the error number of the step that failed, and which that was; 0 when there are no more.
static long perform_all(struct child *child, int *failed) {
    const struct swiftpod_program *program = child->program;
    for (uint32_t index = 0; index < program->count; index++) {
        const struct swiftpod_step *step = &program->steps[index];
        if (step->in >= 0 && program->slots[step->in] < 0) continue;
        if ((step->flags & SWIFTPOD_FALLBACK) && step->out >= 0 && program->slots[step->out] >= 0) continue;
        long result = perform(child, step, (int)index);
        if (result < 0 && !is_tolerated(step, result)) {
            *failed = (int)index;
            return result;
        }
        if (result >= 0 && step->out >= 0) program->slots[step->out] = (int32_t)result;
        if (program->trace && index < SWIFTPOD_TRACE_STEPS) program->trace->ended[index] = monotonic_now();
    }
    return 0;
}

static void run(const struct swiftpod_program *program) {
    struct child child = {.program = program, .channel = program->channel};
    if (program->trace) program->trace->child = monotonic_now();
    // Signals are blocked here.
    reset_signals();
    // With the launcher's end open here too, its death would go unnoticed.
    CALL(close, program->launcher_channel);
    int failed;
    long result = perform_all(&child, &failed);
    if (result < 0) {
        struct swiftpod_report report;
        describe_failure(program, failed, (int)-result, &report);
        CALL(sendto, child.channel, &report, sizeof report, MSG_NOSIGNAL, 0, 0);
    }
    CALL(exit_group, 125);
}

int swiftpod_become(const struct swiftpod_program *program, struct swiftpod_report *report) {
    struct child child = {.program = program, .channel = -1};
    reset_signals();
    int failed;
    long result = perform_all(&child, &failed);
    if (result == 0) return 0;
    describe_failure(program, failed, (int)-result, report);
    return -1;
}

int swiftpod_become_told(const struct swiftpod_program *program, const int16_t streams[3], int socket,
                         struct swiftpod_command *command, struct swiftpod_report *report) {
    struct child child = {.program = program, .channel = -1, .told = command};
    *command = (struct swiftpod_command){0};
    reset_signals();
    int32_t *slots[] = {&program->slots[streams[0]], &program->slots[streams[1]], &program->slots[streams[2]]};
    long result = swiftpod_child_told(socket, slots, command);
    if (result == -ENODATA) return 0;
    if (result < 0) {
        *report = (struct swiftpod_report){.kind = SWIFTPOD_FAILED, .index = -1, .value = (int32_t)-result};
        return -1;
    }
    int failed;
    result = perform_all(&child, &failed);
    describe_failure(program, failed, (int)-result, report);
    return -1;
}

int swiftpod_launch(const struct swiftpod_program *program, uint64_t kinds, int cgroup, int *pidfd) {
    // A handler of the launcher's must not run in the child.
    uint64_t all = ~0ULL, before = 0;
    CALL(rt_sigprocmask, SIG_SETMASK, &all, &before, signal_set_size);
    long pid = clone_process(kinds, cgroup, SIGCHLD, pidfd);
    if (pid == 0) {
        run(program);
        __builtin_unreachable();
    }
    CALL(rt_sigprocmask, SIG_SETMASK, &before, 0, signal_set_size);
    if (pid < 0) {
        errno = (int)-pid;
        return -1;
    }
    return (int)pid;
}
