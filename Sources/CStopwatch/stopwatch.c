#define _GNU_SOURCE 1
#include "include/stopwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t nanoseconds(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

void *stopwatch_memory(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void stopwatch_free(void *memory, size_t bytes) { munmap(memory, bytes); }

// By vfork: the child shares this process's memory until it executes, so that what is measured is the program's start
// and not the copying of whoever measures.
static int measure(const struct stopwatch_command *command, int null, int errors, struct stopwatch_result *result) {
    struct rusage usage;
    volatile int failure = 0;
    result->start = now();
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(null, 0);
        dup2(null, 1);
        dup2(errors, 2);
        execve(command->path, command->arguments, command->environment);
        failure = errno;
        _exit(127);
    }
    int status = -1;
    pid_t got = -1;
    if (pid > 0) {
        do got = wait4(pid, &status, 0, &usage);
        while (got < 0 && errno == EINTR);
    }
    result->end = now();
    if (pid < 0 || got < 0 || failure) {
        result->status = -1;
        result->error = failure ? failure : errno;
        return -1;
    }
    result->user = nanoseconds(usage.ru_utime);
    result->system = nanoseconds(usage.ru_stime);
    result->peak = (uint64_t)usage.ru_maxrss * 1024;
    result->status = status;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

// The kernel counts as a program's peak what the process that spawned it had: a lane is a fork of ours that has touched
// next to nothing.
static void run_lane(
    const struct stopwatch_command *commands, size_t steps, int gate, int errors, struct stopwatch_result *results) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char byte;
    // Opens when the other end is closed.
    if (null < 0 || read(gate, &byte, 1) < 0) _exit(1);
    close(gate);
    for (size_t step = 0; step < steps; step++) {
        if (measure(commands + step, null, errors, results + step) != 0) break;
    }
    _exit(0);
}

int stopwatch_run(
    const struct stopwatch_command *commands, size_t lanes, size_t steps, int errors, struct stopwatch_result *results) {
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) != 0) return -1;
    for (size_t i = 0; i < lanes * steps; i++) results[i] = (struct stopwatch_result){.status = -1};
    pid_t started[lanes];
    size_t count = 0;
    int failure = 0;
    for (; count < lanes; count++) {
        started[count] = fork();
        if (started[count] == 0) {
            close(gate[1]);
            run_lane(commands + count * steps, steps, gate[0], errors, results + count * steps);
        }
        if (started[count] < 0) {
            failure = errno;
            break;
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (size_t i = 0; i < count; i++) {
        while (waitpid(started[i], NULL, 0) < 0 && errno == EINTR) {}
    }
    errno = failure;
    return failure ? -1 : 0;
}

int stopwatch_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int stopwatch_show_cgroup2(void) {
    struct stat status;
    if (stat("/sys/fs/cgroup/unified", &status) != 0) return 0;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) return -1;
    return mount("/sys/fs/cgroup/unified", "/sys/fs/cgroup", NULL, MS_BIND, NULL);
}

int stopwatch_become(uint32_t uid, uint32_t gid) {
    gid_t own = gid;
    if (setgroups(1, &own) != 0 || setresgid(gid, gid, gid) != 0) return -1;
    return setresuid(uid, uid, uid);
}

uint64_t stopwatch_file_system(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (uint32_t)status.f_type : 0;
}

int stopwatch_fork(void) { return fork(); }
