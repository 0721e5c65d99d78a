// What Swift plans and child.c performs: a flat list of steps over one block of memory that stands before the clone.
#ifndef SWIFTPOD_PLAN_H
#define SWIFTPOD_PLAN_H

#include "trace.h"

#include <stdint.h>
#include <sys/syscall.h>

enum { SWIFTPOD_TOLERATED = 4 };

// Descriptors live in numbered slots. A step whose slot `in` is empty is passed over: that is how a step that was
// allowed to fail takes with it the ones that need its result.
struct swiftpod_step {
    uint16_t op;
    uint16_t flags;
    int16_t in, out;
    /// Error numbers at which the launch goes on, `out` staying empty.
    int16_t tolerated[SWIFTPOD_TOLERATED];
    uint64_t a, b, c;
    const void *data;
    uint64_t n;
};

/// In `flags`: the step is run only where its slot `out` is still empty, because an earlier way failed.
enum { SWIFTPOD_FALLBACK = 1 };

struct swiftpod_program {
    const struct swiftpod_step *steps;
    uint32_t count;
    /// -1 is empty. Filled by the launcher with what the child inherits.
    int32_t *slots;
    uint32_t slot_count;
    /// The child's and the launcher's end of a SOCK_SEQPACKET pair.
    int32_t channel;
    int32_t launcher_channel;
    /// NULL where nobody asked what takes how long.
    struct swiftpod_trace *trace;
};

/// What the child tells the launcher.
struct swiftpod_report {
    uint32_t kind;
    /// The step.
    int32_t index;
    /// An error number, a moment or a pid.
    int32_t value;
    /// What the kernel says about a file system that it would not mount, zero-terminated.
    char text[160];
};
enum {
    SWIFTPOD_FAILED = 1,
    SWIFTPOD_MOMENT = 2,
    SWIFTPOD_CLONED = 3,
    /// A descriptor comes with this one: the terminal.
    SWIFTPOD_TERMINAL = 4,
    /// Nothing is left to do but to execute the command; end of stream means that it was executed.
    SWIFTPOD_STARTING = 5,
    /// As SWIFTPOD_CLONED, but the cgroup would not have it.
    SWIFTPOD_CLONED_OUTSIDE = 6,
    /// A descriptor comes with this one: the listener of the system call filter.
    SWIFTPOD_LISTENER = 7,
};

// Slots are written S(n) here; text is data, zero-terminated, unless it is said otherwise.
enum swiftpod_op {
    // Rendezvous.
    SWIFTPOD_AWAIT = 1,    // waits for a byte of the launcher; ends quietly when the launcher is gone
    SWIFTPOD_REACH,        // tells that moment `a` is reached, then waits
    SWIFTPOD_STARTS,       // tells that only the exec is left
    SWIFTPOD_ACCEPT,       // waits at the listening socket S(in) for a connection with a byte; it is the channel then.
                           // All other descriptors from b up are closed before, but for S(out)
    SWIFTPOD_CLONE,        // goes on in a sibling with the new namespaces `a`; b: born in cgroup S(c)
    // Namespaces and identity.
    SWIFTPOD_ENTER,        // setns(S(in), a)
    SWIFTPOD_UNSHARE,      // unshare(a)
    SWIFTPOD_ISOLATE,      // unshare(a) in the launcher's own process; data: struct swiftpod_maps of the new user namespace
    SWIFTPOD_HOSTNAME,
    SWIFTPOD_DOMAINNAME,
    SWIFTPOD_LOOPBACK,     // the loopback interface of this network namespace is up
    SWIFTPOD_SET_IDS,      // setresgid(b), setresuid(a)
    SWIFTPOD_GROUPS,       // data: n gid_t
    SWIFTPOD_RLIMIT,       // a: resource, b: soft, c: hard
    SWIFTPOD_BOUNDING,     // drops from the bounding set what is not in mask `a`, up to capability `b`
    SWIFTPOD_RAISE,        // effective = permitted
    SWIFTPOD_CAPABILITIES, // a: effective, b: permitted, c: inheritable
    SWIFTPOD_AMBIENT,      // the ambient set becomes mask `a`, up to capability `b`
    SWIFTPOD_PRCTL,        // prctl(a, b, c, 0, 0)
    SWIFTPOD_SECCOMP,      // data: n filter instructions, a: flags, b: the filter has a listener, which is sent
    SWIFTPOD_UMASK,        // a
    SWIFTPOD_SYSCALL,      // data: struct swiftpod_system_call
    SWIFTPOD_PARENT,       // is process a the parent still? b: the signal that its death would have sent
    // Files.
    SWIFTPOD_OPEN,         // openat2(in the directory S(in), or anywhere, data, flags a, resolve b) -> S(out)
    SWIFTPOD_TARGET,       // finds or makes `data` in root S(in), a: file mode with type, b,c: owner of what is made
    SWIFTPOD_WRITE,        // into the file `data` of the /proc S(in); the text begins after its zero and has n bytes
    SWIFTPOD_SYMLINK,      // `data` in root S(in); the link's text begins after its zero
    SWIFTPOD_NODE,         // `data` in root S(in): a: mode with type, b: device, c: owner uid << 32 | gid
    SWIFTPOD_CLOSE,        // S(in)
    // Mounts.
    SWIFTPOD_TREE,         // open_tree(data, in S(in) or S(in) itself where it is given; a: recursive) -> S(out), not attached
    SWIFTPOD_FS_OPEN,      // fsopen(data) -> S(out)
    SWIFTPOD_FS_SET,       // fsconfig on S(in): name `data`, value after its zero; a: 0 a flag, 1 a text
    SWIFTPOD_FS_LAYERS,    // fsconfig on S(in): name `data`, value the /proc paths of S(a), and S(b) after "::"
    SWIFTPOD_FS_CREATE,    // fsconfig(create) on S(in)
    SWIFTPOD_FS_MOUNT,     // fsmount(S(in), attributes a) -> S(out); S(in) is closed
    SWIFTPOD_ATTRIBUTES,   // mount_setattr on S(in), or on path data: a: set, b: clear, c: propagation, n: recursive
    SWIFTPOD_MOVE,         // attaches S(in) on top of S(a)
    SWIFTPOD_ATTACH,       // attaches S(in) at `data` in root S(a), made of S(in)'s type where missing; closes S(in)
    SWIFTPOD_COPY_UP,      // copies what stands at `data` in root S(a) into the unattached tree S(in)
    SWIFTPOD_MASK,         // hides `data` in root S(in): a directory under S(a), a file under S(b)
    SWIFTPOD_READ_ONLY,    // makes `data` in root S(in) read-only, with what is mounted below
    SWIFTPOD_PIVOT,        // S(in) becomes the root; the old one is let go of, or with a: covered
    SWIFTPOD_CHDIR,        // to `data`, which must lie inside the root -> S(out) is 0
    // Terminal and descriptors.
    SWIFTPOD_PTY,          // makes a terminal from the ptmx S(in); sends the master; -> S(out); a: rows << 16 | columns
    SWIFTPOD_OWN,          // fchown(S(in), a, b); n: only where it is a pipe
    SWIFTPOD_SESSION,      // setsid
    SWIFTPOD_CONTROL,      // S(in) becomes the controlling terminal
    SWIFTPOD_COPY,         // a copy of S(in), numbered a or above -> S(out)
    SWIFTPOD_PLACE,        // S(in) becomes descriptor a
    SWIFTPOD_KEEP,         // descriptors a to b stay open over the exec
    SWIFTPOD_SEAL,         // all from a up are closed by the exec
    // The end.
    SWIFTPOD_REAPER,       // goes on in a child; this process reaps, with capability mask a
    SWIFTPOD_PROBE,        // is there something to execute? data: struct swiftpod_command
    SWIFTPOD_EXEC,         // data: struct swiftpod_command
    SWIFTPOD_GUARD,        // executes the guard S(in), which finds the channel as descriptor a
};

/// A system call that needs no more than its arguments; what an argument points to stands in the same block.
struct swiftpod_system_call {
    long number;
    long arguments[5];
};
enum {
    SWIFTPOD_SYS_PERSONALITY = SYS_personality,
    SWIFTPOD_SYS_IOPRIO_SET = SYS_ioprio_set,
    SWIFTPOD_SYS_SCHED_SETATTR = SYS_sched_setattr,
    SWIFTPOD_SYS_SCHED_SETAFFINITY = SYS_sched_setaffinity,
    SWIFTPOD_SYS_SET_MEMPOLICY = SYS_set_mempolicy,
    SWIFTPOD_SYS_KEYCTL = SYS_keyctl,
};

/// What to execute.
struct swiftpod_command {
    /// Ended by null: the paths to try, in order.
    const char *const *candidates;
    char *const *arguments;
    char *const *environment;
};

/// The maps of a user namespace, as its files take them; without `uid` there is none to write.
struct swiftpod_maps {
    /// NULL, or "deny".
    const char *setgroups;
    const char *uid, *gid;
};

/// Performs the program in this process, which must have a single thread. Returns 0 at the end of a program that
/// executes nothing, or -1 with what failed in `report`: this process is then neither here nor there, and can only end.
int swiftpod_become(const struct swiftpod_program *program, struct swiftpod_report *report);

/// What a sandbox that waits is told: this, then so many bytes of texts, each ended by zero: what to try, the arguments, the
/// environment. Descriptors come with the first byte.
struct swiftpod_order {
    uint32_t size;
    uint32_t candidates, arguments, environment;
    /// Which of the descriptors is stdin, stdout, stderr; -1 for none.
    int32_t streams[3];
};
/// More than any command line and environment that the kernel takes.
enum { SWIFTPOD_ORDER_LIMIT = 16 << 20 };

/// Waits at the socket for a command, then performs the program with that in place of the one that it executes, and with
/// the streams in the three slots. Returns 0 when nobody will tell it any more, or -1 with what failed in `report`, -1 for
/// the step where it was the telling; `command` is then what was told, or has no arguments.
int swiftpod_become_told(const struct swiftpod_program *program, const int16_t streams[3], int socket,
                         struct swiftpod_command *command, struct swiftpod_report *report);

/// Clones a child that performs the program. `kinds` are CLONE_NEW* bits, `cgroup` a directory's descriptor or -1.
/// Returns the child's pid and its pidfd, or -1 with errno.
int swiftpod_launch(const struct swiftpod_program *program, uint64_t kinds, int cgroup, int *pidfd);

/// Receives a report, and the descriptor that comes with it or -1. Returns 1, 0 at the end, or -1 with errno.
int swiftpod_receive_report(int channel, struct swiftpod_report *report, int *descriptor);

/// Connects to a local stream socket by its path. Returns the descriptor, or -1 with errno.
int swiftpod_connect(const char *path);

/// A copy of the mount on `path` in another mount namespace, attached to nothing: its descriptor, or -1 with errno.
int swiftpod_take_tree_of(int mount_namespace, const char *path);

/// Makes a local stream socket at a path and listens. Returns the descriptor, or -1 with errno.
int swiftpod_listen(const char *path);

/// What the guard (guard.c) is told: it stands at this address of its image, and all that it points to does too.
enum { SWIFTPOD_GUARD_BASE = 0x400000, SWIFTPOD_GUARD_DATA = SWIFTPOD_GUARD_BASE + 0x80 };
struct swiftpod_guard {
    int32_t channel;
    uint32_t filter_length;
    uint64_t filter_flags, filter;
    uint64_t candidates, arguments, environment;
    struct swiftpod_report report;
};
/// The guard's code and where in it to begin. Returns its length.
unsigned long swiftpod_guard_code(const void **code, unsigned long *entry);
/// A sealed file of memory that can be executed. Returns its descriptor, or -1 with errno.
int swiftpod_sealed_program(const void *bytes, unsigned long count);

/// What only the launcher may prepare, being in the machine's first user namespace. All return -1 with errno.
/// A system call with these arguments, for a process other than the child itself.
int swiftpod_system_call_now(const struct swiftpod_system_call *call);
/// A child that sleeps in a new user namespace till it is killed; returns its pid.
int swiftpod_namespace_child(void);
/// A file system for device nodes, not attached, without set-user-id bits and programs.
int swiftpod_node_system(void);
/// Makes a device node in it.
int swiftpod_make_node(int directory, const char *name, unsigned mode, uint64_t device, unsigned uid, unsigned gid);
/// A copy of a mount, not attached, whose owners are mapped by a user namespace. `recursive`: with what is mounted
/// below; `everywhere`: all of that is mapped.
int swiftpod_mapped_tree(const char *path, int recursive, int everywhere, int user_namespace);

/// Lets the child go on after an await. Returns 0, or -1 with errno.
int swiftpod_go_on(int channel);

#endif
