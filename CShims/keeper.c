// The namespace keeper: a process that owns a user namespace and sleeps. See Sources/ContainerEngine/Keeper/README.md.
#define _GNU_SOURCE 1
#include "include/supervision.h"
#include "rawcall.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void swiftpod_supervisor_main(int count, char **arguments, char **environment);

// No entry of a process that lives, or not there at all. Names begin with a pid, and who was killed leaves his: that is
// for the next command to clean up, and no reason to stay.
static int is_idle(const char *path) {
    // Room for some entries, aligned as the kernel writes them: d_reclen is at 16, d_name at 19.
    char buffer[1024] __attribute__((aligned(8)));
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return 1;
    long got;
    int living = 0;
    while ((got = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got; at += *(uint16_t *)(void *)(buffer + at + 16)) {
            const char *name = buffer + at + 19;
            long pid = strtol(name, NULL, 10);
            if (name[0] != '.' && (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)) living++;
        }
    }
    close(directory);
    return living == 0;
}

// The record is a symbolic link `keeper` -> `PID:…`; its time of change is the time of the last use.
static int is_mine(const char *record, struct stat *status) {
    char target[128];
    ssize_t length = readlink(record, target, sizeof target - 1);
    if (length <= 0 || lstat(record, status) != 0) return 0;
    target[length] = 0;
    return strtol(target, NULL, 10) == (long)getpid();
}

static void keep(const char *record, const char *lock, const char *active, long idle) {
    for (;;) {
        struct stat status;
        struct timespec now;
        if (!is_mine(record, &status)) return;
        clock_gettime(CLOCK_REALTIME, &now);
        long left = idle > 0 ? (long)(status.st_mtim.tv_sec - now.tv_sec) + idle : 3600;
        if (left > idle && idle > 0) left = idle; // the clock was set back
        if (left <= 0 && !is_idle(active)) left = idle;
        if (left <= 0) {
            // Who starts a keeper holds the lock; who merely uses this one has the namespace open and needs no process.
            int held = open(lock, O_RDWR | O_CLOEXEC);
            if (held < 0) return;
            if (flock(held, LOCK_EX | LOCK_NB) == 0) {
                if (is_mine(record, &status)) unlink(record);
                return;
            }
            close(held);
            left = 1;
        }
        struct timespec pause = {.tv_sec = left};
        swiftpod_forget_clean_pages(swiftpod_open_pagemap());
        swiftpod_raw(SYS_nanosleep, (long)&pause, 0, 0, 0);
    }
}

// Arguments: READY-DESCRIPTOR GO-DESCRIPTOR RECORD LOCK ACTIVE-DIRECTORY IDLE-SECONDS
static void keeper_main(int count, char **arguments) {
    if (count != 7) _exit(125);
    int ready = atoi(arguments[1]), go = atoi(arguments[2]);
    int32_t result = 0;
    char byte = 0;
    setsid();
    if (unshare(CLONE_NEWUSER) != 0) result = errno;
    if (write(ready, &result, sizeof result) != (ssize_t)sizeof result || result != 0) _exit(1);
    close(ready);
    // The maps are written and the record stands when this byte comes. Without it the starter has died.
    if (read(go, &byte, 1) != 1) _exit(1);
    syscall(SYS_close_range, 0, ~0U, 0);
    if (open("/dev/null", O_RDWR) != 0) _exit(1);
    if (dup(0) < 0 || dup(0) < 0 || chdir("/") != 0) _exit(1);
    prctl(PR_SET_NAME, "swiftpod-keeper");
    signal(SIGHUP, SIG_IGN);
    keep(arguments[3], arguments[4], arguments[5], atol(arguments[6]));
    _exit(0);
}

// Runs before Swift does anything, and before any other constructor: a program of several megabytes is then a process
// of some dozen touched pages.
__attribute__((constructor(101))) static void swiftpod_early(int count, char **arguments, char **environment) {
    if (count < 2) return;
    if (strcmp(arguments[0], "swiftpod-keeper") == 0) {
        keeper_main(count, arguments);
    } else if (strcmp(arguments[0], "swiftpod-supervisor") == 0) {
        swiftpod_supervisor_main(count, arguments, environment);
    }
}
