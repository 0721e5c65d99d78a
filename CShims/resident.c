// How a long sleeper stays small.
#define _GNU_SOURCE 1
#include "include/supervision.h"
#include "rawcall.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

// The linker's: where this program's image begins and ends in memory.
extern char __executable_start[] __attribute__((weak));
extern char end[] __attribute__((weak));

int swiftpod_open_pagemap(void) { return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC); }

// Gives back the pages of the executable that were only read. A fault maps sixteen pages of the file around the one
// that was wanted, so that a start-up of a few hundred instructions leaves a megabyte mapped; all of it is in the page
// cache and comes back at the next fault. Pages that were written are anonymous, stay, and are told apart by pagemap.
void swiftpod_forget_clean_pages(int pagemap) {
    enum { PAGE = 4096, BATCH = 256 };
    if (pagemap < 0) return;
    int known = __executable_start != NULL && end != NULL && sysconf(_SC_PAGESIZE) == PAGE;
    uintptr_t at = (uintptr_t)__executable_start & ~(uintptr_t)(PAGE - 1), last = known ? (uintptr_t)end : 0;
    while (at < last) {
        uint64_t entries[BATCH];
        long got = swiftpod_raw(
            SYS_pread64, pagemap, (long)entries, sizeof entries, (long)(at / PAGE * sizeof entries[0]));
        if (got <= 0) break;
        size_t count = (size_t)got / sizeof entries[0];
        for (size_t i = 0; i < count;) {
            // Bit 63: present; bit 61: of a file or shared.
            size_t run = 0;
            while (i + run < count && (entries[i + run] >> 61 & 5) == 5) run++;
            if (run > 0) swiftpod_raw(SYS_madvise, (long)(at + i * PAGE), (long)(run * PAGE), MADV_DONTNEED, 0);
            i += run + 1;
        }
        at += count * PAGE;
    }
    swiftpod_raw(SYS_close, pagemap, 0, 0, 0);
}
