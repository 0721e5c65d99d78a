// The last program before a container's command: a few hundred bytes in a file of memory, that execute the command.
//
// /proc/self/exe means the program that a process runs. A command, or the interpreter that a script of the image names,
// may be just that link; the program would then be this one, on the host, and the container could open it and overwrite it
// once nobody executes it (CVE-2019-5736). From here the link leads to a sealed file of memory that holds nothing else.
#define _GNU_SOURCE 1
#include "include/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The code is copied from this section, so everything in it is one piece that refers to nothing outside of itself.
#define IN_GUARD __attribute__((section("swiftpod_guard"), no_profile_instrument_function, no_sanitize("all")))
#define PART_OF_GUARD static inline IN_GUARD __attribute__((always_inline))

PART_OF_GUARD long guard_call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#else
#error "no guard for this machine"
#endif
}

IN_GUARD __attribute__((noinline, used)) static void guard_main(void) {
    const struct swiftpod_guard *guard = (const struct swiftpod_guard *)SWIFTPOD_GUARD_DATA;
    long marked = guard_call(SYS_fcntl, guard->channel, F_SETFD, FD_CLOEXEC, 0, 0, 0);
    // It is not there: the command is the link itself, and has executed this program again.
    if (marked == -EBADF) guard_call(SYS_exit_group, 126, 0, 0, 0, 0, 0);
    // Without the right to mark it, it is closed: the command does not get it.
    if (marked < 0) guard_call(SYS_close, guard->channel, 0, 0, 0, 0, 0);
    long failure = -ENOENT;
    if (guard->filter_length) {
        // Field by field: an initialiser may become a call of memset, which is not here.
        struct sock_fprog program;
        program.len = (unsigned short)guard->filter_length;
        program.filter = (struct sock_filter *)(uintptr_t)guard->filter;
        failure = guard_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (long)guard->filter_flags, (long)&program, 0, 0, 0);
        if (failure >= 0) failure = -ENOENT;
        else goto report;
    }
    // As execvp does it: what is not there is passed over, what may not be executed is remembered.
    for (const uint64_t *candidate = (const uint64_t *)(uintptr_t)guard->candidates; *candidate; candidate++) {
        long result = guard_call(SYS_execve, (long)*candidate, (long)guard->arguments, (long)guard->environment, 0, 0, 0);
        if (result == -ENOENT || result == -ENOTDIR || result == -ESTALE || result == -ENODEV || result == -ETIMEDOUT) {
            continue;
        }
        failure = result;
        if (result != -EACCES) break;
    }
report:;
    // The report stands prepared but for the number, which is sent after it in the same message.
    int32_t value = (int32_t)-failure;
    const char *report = (const char *)&guard->report;
    struct iovec pieces[3];
    pieces[0].iov_base = (void *)(uintptr_t)report;
    pieces[0].iov_len = offsetof(struct swiftpod_report, value);
    pieces[1].iov_base = &value;
    pieces[1].iov_len = sizeof value;
    pieces[2].iov_base = (void *)(uintptr_t)(report + offsetof(struct swiftpod_report, text));
    pieces[2].iov_len = sizeof guard->report.text;
    guard_call(SYS_writev, guard->channel, (long)pieces, 3, 0, 0, 0);
    guard_call(SYS_exit_group, 125, 0, 0, 0, 0, 0);
    for (;;) {}
}

#if defined(__x86_64__)
__asm__(".pushsection swiftpod_guard,\"ax\"\n"
        ".globl swiftpod_guard_entry\n.hidden swiftpod_guard_entry\n"
        "swiftpod_guard_entry:\n"
        "xorl %ebp, %ebp\n"
        "andq $-16, %rsp\n"
        "call guard_main\n"
        ".popsection\n");
#else
__asm__(".pushsection swiftpod_guard,\"ax\"\n"
        ".globl swiftpod_guard_entry\n.hidden swiftpod_guard_entry\n"
        "swiftpod_guard_entry:\n"
        "mov x29, xzr\n"
        "bl guard_main\n"
        ".popsection\n");
#endif

extern const char swiftpod_guard_entry[];
extern const char __start_swiftpod_guard[], __stop_swiftpod_guard[];

unsigned long swiftpod_guard_code(const void **code, unsigned long *entry) {
    *code = __start_swiftpod_guard;
    *entry = (unsigned long)(swiftpod_guard_entry - __start_swiftpod_guard);
    return (unsigned long)(__stop_swiftpod_guard - __start_swiftpod_guard);
}
