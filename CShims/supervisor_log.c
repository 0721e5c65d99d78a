// The log of a container in the k8s-file format.
#define _GNU_SOURCE 1
#include "supervisor_log.h"
#include "include/supervision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char *put_digits(char *at, uint64_t value, int width) {
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

char *swiftpod_put_number(char *at, uint64_t value) {
    int width = 1;
    for (uint64_t rest = value; rest >= 10; rest /= 10) width++;
    return put_digits(at, value, width);
}

// 2026-01-02T03:04:05.000000006+00:00, as conmon writes it. Eras of 400 years that begin in March, so that no table of
// months is needed.
static size_t format_time(char *out, int offset) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t local = (int64_t)now.tv_sec + offset;
    int64_t days = local / 86400, rest = local % 86400;
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097, day_of_era = shifted % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t index = (5 * day_of_year + 2) / 153;
    int64_t month = index < 10 ? index + 3 : index - 9;
    char *at = out;
    at = put_digits(at, (uint64_t)(year_of_era + era * 400 + (month <= 2)), 4);
    *at++ = '-';
    at = put_digits(at, (uint64_t)month, 2);
    *at++ = '-';
    at = put_digits(at, (uint64_t)(day_of_year - (153 * index + 2) / 5 + 1), 2);
    *at++ = 'T';
    at = put_digits(at, (uint64_t)(rest / 3600), 2);
    *at++ = ':';
    at = put_digits(at, (uint64_t)(rest / 60 % 60), 2);
    *at++ = ':';
    at = put_digits(at, (uint64_t)(rest % 60), 2);
    *at++ = '.';
    at = put_digits(at, (uint64_t)now.tv_nsec, 9);
    int minutes = (offset < 0 ? -offset : offset) / 60;
    *at++ = offset < 0 ? '-' : '+';
    at = put_digits(at, (uint64_t)(minutes / 60), 2);
    *at++ = ':';
    at = put_digits(at, (uint64_t)(minutes % 60), 2);
    return (size_t)(at - out);
}

static void begin_anew(struct swiftpod_log *log) {
    // As conmon: the new file takes the name, the old content is gone.
    char temporary[4096 + 8];
    size_t length = strlen(log->path);
    if (length + 5 > sizeof temporary) return;
    memcpy(temporary, log->path, length);
    memcpy(temporary + length, ".tmp", 5);
    int fresh = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fresh < 0) return;
    if (rename(temporary, log->path) != 0 || dup3(fresh, log->descriptor, O_CLOEXEC) < 0) {
        close(fresh);
        return;
    }
    close(fresh);
    log->written = 0;
}

static void write_lines(int log, struct iovec *parts, int count) {
    while (count > 0) {
        ssize_t written = writev(log, parts, count);
        if (written < 0 && errno == EINTR) continue;
        // A full disk loses log lines, not the container.
        if (written < 0) return;
        while (count > 0 && (size_t)written >= parts->iov_len) {
            written -= (ssize_t)parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + written;
            parts->iov_len -= (size_t)written;
        }
    }
}

void swiftpod_log_chunk(struct swiftpod_log *log, const char *tag, const char *bytes, size_t count) {
    if (log->descriptor < 0) return;
    if (log->utc_offset == SWIFTPOD_OFFSET_LATER) {
        // Reads the zone's file, which a container that writes nothing need not pay for.
        time_t now = time(NULL);
        struct tm local;
        log->utc_offset = localtime_r(&now, &local) ? (int32_t)local.tm_gmtoff : 0;
    }
    char head[2][64];
    size_t stamp = format_time(head[0], log->utc_offset);
    memcpy(head[0] + stamp, tag, 10); // " stdout F "
    memcpy(head[1], head[0], stamp + 10);
    head[1][stamp + 8] = 'P';
    struct iovec parts[96];
    int used = 0;
    while (count > 0) {
        const char *newline = memchr(bytes, '\n', count);
        size_t length = newline ? (size_t)(newline - bytes) : count;
        size_t line = stamp + 10 + length + 1;
        if (log->limit != 0 && log->written + line > log->limit) {
            write_lines(log->descriptor, parts, used);
            used = 0;
            begin_anew(log);
        }
        if (used + 3 > 96) {
            write_lines(log->descriptor, parts, used);
            used = 0;
        }
        parts[used++] = (struct iovec){head[newline == NULL], stamp + 10};
        parts[used++] = (struct iovec){(void *)(uintptr_t)bytes, length};
        parts[used++] = (struct iovec){(void *)(uintptr_t) "\n", 1};
        log->written += line;
        bytes += length + (newline != NULL);
        count -= length + (newline != NULL);
    }
    write_lines(log->descriptor, parts, used);
}

void swiftpod_log_open(struct swiftpod_log *log) {
    struct stat status;
    log->written = 0;
    if (log->descriptor >= 0 && log->limit != 0 && fstat(log->descriptor, &status) == 0) {
        log->written = (uint64_t)status.st_size;
    }
}
