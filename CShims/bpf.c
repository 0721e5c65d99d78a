// bpf(2), for the one kind of program that a cgroup of v2 needs.
#define _GNU_SOURCE 1
#include "include/shims.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int swiftpod_attach_device_filter(int cgroup, const uint64_t *program, uint32_t count) {
    union bpf_attr load, attach;
    memset(&load, 0, sizeof load);
    load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.insns = (uintptr_t)program;
    load.insn_cnt = count;
    // No helper of the kernel's is called, so that any licence will do.
    load.license = (uintptr_t) "Apache-2.0";
    int loaded = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
    if (loaded < 0) return -1;
    memset(&attach, 0, sizeof attach);
    attach.target_fd = (uint32_t)cgroup;
    attach.attach_bpf_fd = (uint32_t)loaded;
    attach.attach_type = BPF_CGROUP_DEVICE;
    // Beside those of the cgroups above, not instead of them.
    attach.attach_flags = BPF_F_ALLOW_MULTI;
    int result = (int)syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach);
    int error = errno;
    close(loaded);
    errno = error;
    return result;
}
