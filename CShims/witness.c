// Who stays outside while this process becomes a container. What fails from there on cannot be taken down from inside:
// the process is in other namespaces by then, and has given up its rights. Nobody's child, so that what this process
// becomes does not find one that it did not start; it shares this process's memory, so that nothing is copied for it, and
// goes as soon as the command is executed, which closes the channel.
#define _GNU_SOURCE 1
#include "include/shims.h"
#include "rawcall.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

struct witness {
    const char *program;
    char *const *arguments;
    char *const *environment;
    int watched;
    int channel[2];
    long started;
};

// They live until the memory does, which the witness may be the last to have.
static struct witness witness;
static _Alignas(16) char stack_of_witness[4096], stack_of_middle[4096];

// errno is the other process's too: raw system calls only.
static int watch(void *unused) {
    (void)unused;
    char byte;
    swiftpod_raw(SYS_close, witness.channel[1], 0, 0, 0);
    swiftpod_raw(SYS_setsid, 0, 0, 0, 0);
    long process = swiftpod_raw(SYS_pidfd_open, witness.watched, 0, 0, 0);
    // No byte: the command runs, or this process's program was killed, which the next command finds.
    if (swiftpod_raw(SYS_read, witness.channel[0], (long)&byte, 1, 0) != 1 || process < 0) return 0;
    struct pollfd end = {.fd = (int)process, .events = POLLIN};
    struct timespec limit = {.tv_sec = 10};
    swiftpod_raw(SYS_ppoll, (long)&end, 1, (long)&limit, 0);
    // The caller's streams are not held open for what nobody reads.
    long null = swiftpod_raw(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDWR, 0);
    for (int stream = 0; stream < 3; stream++) swiftpod_raw(SYS_dup3, null, stream, 0, 0);
    swiftpod_raw(SYS_close_range, 3, ~0U, 0, 0);
    swiftpod_raw(SYS_execve, (long)witness.program, (long)witness.arguments, (long)witness.environment, 0);
    return 0;
}

static int start(void *unused) {
    (void)unused;
    int error = errno;
    witness.started = clone(watch, stack_of_witness + sizeof stack_of_witness, CLONE_VM | SIGCHLD, 0);
    errno = error;
    return 0;
}

int swiftpod_witness_start(const char *program, char *const arguments[], char *const environment[]) {
    witness.program = program;
    witness.arguments = arguments;
    witness.environment = environment;
    witness.watched = getpid();
    witness.started = -1;
    if (pipe2(witness.channel, O_CLOEXEC) != 0) return -1;
    int middle = clone(start, stack_of_middle + sizeof stack_of_middle, CLONE_VM | CLONE_VFORK, 0);
    while (middle > 0 && waitpid(middle, 0, __WALL) < 0 && errno == EINTR) {}
    close(witness.channel[0]);
    if (middle > 0 && witness.started > 0) return witness.channel[1];
    close(witness.channel[1]);
    return -1;
}

void swiftpod_witness_call(int channel) {
    char byte = 0;
    while (write(channel, &byte, 1) < 0 && errno == EINTR) {}
}
