// The memory of `run --trace`.
#define _GNU_SOURCE 1
#include "include/trace.h"

#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

struct swiftpod_trace *swiftpod_trace_make(void) {
    void *memory =
        mmap(NULL, sizeof(struct swiftpod_trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

struct swiftpod_mark *swiftpod_trace_marks(struct swiftpod_trace *trace) { return trace->marks; }
uint64_t *swiftpod_trace_ended(struct swiftpod_trace *trace) { return trace->ended; }
uint16_t *swiftpod_trace_origin(struct swiftpod_trace *trace) { return trace->origin; }
char *swiftpod_trace_text(struct swiftpod_trace *trace) { return trace->text; }

uint64_t swiftpod_trace_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
