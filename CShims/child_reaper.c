// Process 1 of a container with --init: starts the command, collects orphans, forwards signals.
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { signal_set_size = 8 };

static void drop_to(uint64_t mask) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)mask, (uint32_t)mask, 0},
        {(uint32_t)(mask >> 32), (uint32_t)(mask >> 32), 0},
    };
    CALL(capset, &header, data);
}

static void collect(long command) {
    for (;;) {
        int status = 0;
        long pid = CALL(wait4, -1, &status, WNOHANG, 0);
        if (pid <= 0) return;
        if (pid != command) continue;
        CALL(exit_group, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

long swiftpod_child_reaper(uint64_t capabilities, int channel) {
    // In the host's pid namespace it is not process 1, and orphans come to it only if it asks for them.
    CALL(prctl, PR_SET_CHILD_SUBREAPER, 1);
    long command = CALL(clone, SIGCHLD, 0, 0, 0, 0);
    if (command <= 0) return command;
    // This process is a copy of the launcher: its memory is nobody's business in the container.
    CALL(prctl, PR_SET_DUMPABLE, 0);
    CALL(prctl, PR_SET_NAME, "init");
    // What a terminal sends to its foreground must come once, forwarded, and not by both ways.
    CALL(setsid);
    // Not even the channel: its end must mean that the command was executed.
    CALL(close_range, 0, ~0U, 0);
    (void)channel;
    drop_to(capabilities);
    uint64_t all = ~0ULL;
    for (;;) {
        siginfo_t info;
        long number = CALL(rt_sigtimedwait, &all, &info, 0, signal_set_size);
        if (number < 0) continue;
        if (number == SIGCHLD) collect(command);
        else CALL(kill, command, number);
    }
}
