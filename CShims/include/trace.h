// When each phase of a start began and each instruction of its plan ended: `run --trace`. One page range shared with the
// children, there only when somebody asked for it.
#ifndef SWIFTPOD_TRACE_H
#define SWIFTPOD_TRACE_H

#include <stdint.h>

enum { SWIFTPOD_TRACE_MARKS = 64, SWIFTPOD_TRACE_STEPS = 1024, SWIFTPOD_TRACE_TEXT = 128 << 10 };

/// A phase began. Times are nanoseconds of CLOCK_MONOTONIC.
struct swiftpod_mark {
    uint64_t time;
    uint32_t phase;
};

struct swiftpod_trace {
    /// The phases in the order in which they began.
    struct swiftpod_mark marks[SWIFTPOD_TRACE_MARKS];
    uint32_t mark_count;
    /// When the child began.
    uint64_t child;
    /// When each instruction ended; 0 for one that was passed over.
    uint64_t ended[SWIFTPOD_TRACE_STEPS];
    /// The plan's step that each instruction belongs to.
    uint16_t origin[SWIFTPOD_TRACE_STEPS];
    uint32_t instructions;
    /// The steps in words, a line each.
    uint32_t text_length;
    char text[SWIFTPOD_TRACE_TEXT];
};

/// Returns a new trace that children share, or NULL with errno.
struct swiftpod_trace *swiftpod_trace_make(void);

// Swift takes arrays for tuples, and none of this size.
struct swiftpod_mark *swiftpod_trace_marks(struct swiftpod_trace *trace);
uint64_t *swiftpod_trace_ended(struct swiftpod_trace *trace);
uint16_t *swiftpod_trace_origin(struct swiftpod_trace *trace);
char *swiftpod_trace_text(struct swiftpod_trace *trace);

/// CLOCK_MONOTONIC in nanoseconds.
uint64_t swiftpod_trace_now(void);

#endif
