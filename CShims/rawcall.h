// System calls without libc's code: what sleeps long keeps few pages, and a call through a wrapper maps sixteen.
#ifndef SWIFTPOD_RAWCALL_H
#define SWIFTPOD_RAWCALL_H

#include <sys/syscall.h>
#include <unistd.h>

// Returns what the kernel returns: -errno on failure.
static inline long swiftpod_raw(long number, long a, long b, long c, long d) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#else
    return syscall(number, a, b, c, d);
#endif
}

#endif
