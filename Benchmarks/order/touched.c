/*
 * Which code a program touches, in the order in which it first does: runs it step by step and prints every 16 bytes of
 * its text that an instruction was fetched from, by address. Children are not followed.
 *
 *     touched OUT COMMAND [ARGUMENT...]
 *
 * Build: cc -O2 -Wall -Wextra -o touched touched.c
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* A static executable that is not position-independent lies here. */
enum { LOW = 0x200000, SIZE = 1 << 27, GRAIN = 16 };

int main(int argc, char **argv) {
    static uint8_t seen[SIZE / GRAIN];
    if (argc < 3) return 2;
    FILE *out = fopen(argv[1], "w");
    if (!out) {
        perror(argv[1]);
        return 1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(argv[2], argv + 2);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    while (!WIFEXITED(status) && !WIFSIGNALED(status)) {
        struct user_regs_struct registers;
        int number = WSTOPSIG(status);
        if (ptrace(PTRACE_GETREGS, pid, 0, &registers) != 0) break;
        uint64_t at = registers.rip - LOW;
        if (at < SIZE && !seen[at / GRAIN]) {
            seen[at / GRAIN] = 1;
            fprintf(out, "%llx\n", (unsigned long long)registers.rip);
        }
        /* Its own signals it gets. */
        if (ptrace(PTRACE_SINGLESTEP, pid, 0, number == SIGTRAP ? 0 : (long)number) != 0) break;
        if (waitpid(pid, &status, 0) < 0) break;
    }
    return fclose(out) == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
