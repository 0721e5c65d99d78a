// What the supervisor keeps of what a container writes.
#ifndef SWIFTPOD_SUPERVISOR_LOG_H
#define SWIFTPOD_SUPERVISOR_LOG_H

#include <stddef.h>
#include <stdint.h>

struct swiftpod_log {
    int descriptor;    // opened for appending, -1 for no log
    const char *path;  // to begin it anew; used with a limit alone
    uint64_t limit;    // bytes, 0 for none
    uint64_t written;
    int32_t utc_offset; // seconds, or SWIFTPOD_OFFSET_LATER
};

// Looks how much is there already.
void swiftpod_log_open(struct swiftpod_log *log);

// `tag` is " stdout F " with the letter of the last part of a line.
void swiftpod_log_chunk(struct swiftpod_log *log, const char *tag, const char *bytes, size_t count);

// Writes a number in decimal; returns where it ends.
char *swiftpod_put_number(char *at, uint64_t value);

#endif
