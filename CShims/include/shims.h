// System calls that Swift cannot make by itself: variadic ones, ones that glibc 2.36 has no wrapper for, and fork(2),
// which Swift hides although a single-threaded program may use it.
#ifndef SWIFTPOD_SHIMS_H
#define SWIFTPOD_SHIMS_H

// No header that depends on _GNU_SOURCE: Swift sees libc without it, and two readings of one type do not mix.
#include <stddef.h>
#include <linux/prctl.h>
#include <stdint.h>

/// open(2) and openat(2) are variadic.
int swiftpod_openat(int directory, const char *path, int flags, unsigned mode);

/// openat2(2) has no wrapper in glibc 2.36. `resolve` are RESOLVE_* bits.
int swiftpod_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// What statx(2) tells, without the fields nobody asked for.
struct swiftpod_status {
    uint64_t inode;
    uint64_t size;
    uint64_t blocks;
    uint64_t mount;
    int64_t seconds;
    uint32_t nanoseconds;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t links;
    uint32_t device_major, device_minor;
    uint32_t special_major, special_minor;
    uint64_t attributes;
};
int swiftpod_statx(int directory, const char *path, int flags, struct swiftpod_status *status);

/// getdents64(2), as raw records: no allocation, names as bytes.
long swiftpod_getdents(int directory, void *buffer, size_t size);

/// pipe2(2), close-on-exec.
int swiftpod_pipe(int ends[2]);

/// The words of the command line, NULL-terminated, from the moment main begins.
char *const *swiftpod_arguments(void);

/// fcntl(2) is variadic.
int swiftpod_fcntl(int descriptor, int command, long argument);

/// ioctl(2) is variadic.
int swiftpod_ioctl(int descriptor, unsigned long request, void *argument);

/// renameat2(2) with RENAME_* flags.
int swiftpod_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);

/// fork(2), for the single-threaded program that the start path is.
int swiftpod_fork(void);

/// As the one above, but what is made is no child of anybody's here: 0 in it, 1 in the caller.
int swiftpod_fork_orphan(void);

/// close_range(2) of all descriptors from `first` up.
void swiftpod_close_from(unsigned first);

int swiftpod_setns(int descriptor, int kind);
int swiftpod_unshare(int kinds);
int swiftpod_pidfd_open(int pid);
int swiftpod_pidfd_send_signal(int pidfd, int signal);
int swiftpod_memfd_create(const char *name);
/// sched_getaffinity(2) and sched_setaffinity(2) of this process; the mask has a bit a processor. The first returns the
/// number of bytes that the kernel uses.
long swiftpod_get_affinity(unsigned char *mask, unsigned long size);
int swiftpod_set_affinity(const unsigned char *mask, unsigned long size);
/// set_mempolicy(2): memory of this NUMA node is preferred; -1 is the default again.
int swiftpod_prefer_memory(int node);

/// prctl(2) is variadic.
int swiftpod_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

/// How a child ended, from waitid(2).
struct swiftpod_exit {
    int32_t pid;    // 0: WNOHANG was given and it runs on
    int32_t code;   // CLD_EXITED, CLD_KILLED, CLD_DUMPED
    int32_t status; // exit status or signal
};
/// waitid(2) for the child behind a pidfd; `flags` are added to WEXITED.
int swiftpod_wait_pidfd(int pidfd, int flags, struct swiftpod_exit *result);

/// xattr(7) by descriptor; one opened with O_PATH is served too.
long swiftpod_getxattr(int descriptor, const char *name, void *value, size_t size);
int swiftpod_setxattr(int descriptor, const char *name, const void *value, size_t size);
int swiftpod_removexattr(int descriptor, const char *name);
long swiftpod_listxattr(int descriptor, char *names, size_t size);
/// By path, symbolic links not followed.
long swiftpod_lgetxattr(const char *path, const char *name, void *value, size_t size);
int swiftpod_lsetxattr(const char *path, const char *name, const void *value, size_t size);

/// This process's permitted capabilities, bit by number.
uint64_t swiftpod_permitted_capabilities(void);

/// getrandom(2).
void swiftpod_random(void *bytes, size_t count);

/// Sends one byte with up to 16 descriptors, and receives them; both return -1 with errno.
int swiftpod_send_descriptors(int socket, const int *descriptors, int count);
/// Returns the number of descriptors received, all close-on-exec; 0 at the end of the stream.
int swiftpod_receive_descriptors(int socket, int *descriptors, int capacity);

/// Sends bytes over a local socket, the first of them with up to 16 descriptors. Returns how many, or -1 with errno.
long swiftpod_send_message(int socket, const void *bytes, size_t size, const int *descriptors, int count);
/// Receives bytes and the descriptors that come with them, at most `*count`, all close-on-exec; the others are closed.
/// `*count` becomes how many there are. Returns how many bytes; 0 at the end of the stream.
long swiftpod_receive_message(int socket, void *bytes, size_t size, int *descriptors, int *count);
/// Who is at the other end of a connected local socket, as this process's user namespace counts.
int swiftpod_peer(int socket, unsigned *uid, int *pid);
/// A listening local stream socket of mode 0600, or -1 with errno.
int swiftpod_listen_privately(const char *path);
/// accept4(2), close-on-exec.
int swiftpod_accept(int listener);

/// Loads a program of the kind BPF_PROG_TYPE_CGROUP_DEVICE, `count` instructions of eBPF, and attaches it to an open
/// cgroup. Returns 0, or -1 with errno.
int swiftpod_attach_device_filter(int cgroup, const uint64_t *program, uint32_t count);

/// Leaves a witness outside while this process becomes a container: a process that ends when the returned channel is
/// closed, by an exec at the latest, and that executes the program once it has been called and this process has ended.
/// -1: there is none. The memory of the words stays theirs.
int swiftpod_witness_start(const char *program, char *const arguments[], char *const environment[]);
void swiftpod_witness_call(int channel);

/* Lets getpwnam(3), getgrnam(3) and getaddrinfo(3) read files and ask DNS, whatever nsswitch.conf says. */
void swiftpod_use_local_names(void);

#endif
