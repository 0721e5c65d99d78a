#!/usr/bin/python3
"""Where the time of a start goes: samples of `perf record` by what the processor did.

    perf record -o FILE -e cpu-clock -F 20000 --call-graph fp -- COMMAND that starts containers
    Benchmarks/profile.py FILE STARTS NAME...

NAME are the names of the processes that count (`swiftpod`, `true`), STARTS is how many starts COMMAND made. Prints
microseconds for one start; sampling itself costs, so that shares are what counts. A system call counts with all that it
does, page faults and what is put off to its end apart.
"""

import collections
import subprocess
import sys

# The first that matches, from the system call inwards.
KINDS = [
    ("page faults", ["asm_exc_page_fault"]),
    ("making namespaces", ["copy_namespaces", "__x64_sys_unshare", "create_new_namespaces", "__x64_sys_setns"]),
    ("cloning", ["__do_sys_clone3", "__do_sys_clone", "__do_sys_vfork"]),
    ("mounts", ["fsconfig", "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr", "pivot_root", "umount",
                "sys_mount", "cleanup_mnt"]),
    ("executing", ["execveat", "execve"]),
    ("ending", ["do_exit", "exit_group"]),
    ("system call filter", ["do_seccomp", "seccomp_"]),
    ("interfaces", ["sys_ioctl", "sys_socket", "sys_connect", "getsockname"]),
    ("opening and closing files", ["openat", "openat2", "sys_close", "__fput", "sys_access", "readlink", "statx",
                                   "newfstat", "faccessat"]),
    ("making and removing files", ["mkdir", "unlink", "rmdir", "rename", "symlink", "mknod", "getdents", "fchmod", "fchown"]),
    ("reading and writing", ["ksys_read", "ksys_write", "pread", "pwrite"]),
    ("talking and waiting", ["sendmsg", "recvmsg", "sendto", "sys_poll", "waitid", "wait4", "pipe", "futex"]),
]


def samples(path):
    """Each sample's process name and its frames, the innermost first: (symbol, whether it is the kernel's)."""
    script = subprocess.Popen(
        ["perf", "script", "-i", path, "-F", "comm,ip,sym,dso"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True)
    name, frames = None, []
    for line in script.stdout:
        if not line.strip():
            if name is not None:
                yield name, frames
            name, frames = None, []
        elif name is None:
            name = line.strip()
        else:
            symbol, _, place = line.strip().split(" ", 1)[1].rpartition(" (")
            frames.append((symbol, "kernel" in place))


def kind(frames):
    if not frames or not frames[0][1]:
        return "the program's own code"
    names = [symbol for symbol, is_kernel in frames if is_kernel]
    for word, marks in KINDS:
        if any(mark in name for name in names for mark in marks):
            return word
    return "the kernel besides"


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    path, starts, wanted = sys.argv[1], int(sys.argv[2]), set(sys.argv[3:])
    period = int(subprocess.run(
        ["perf", "script", "-i", path, "-F", "period"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=True).stdout.split(maxsplit=1)[0])
    counts = collections.Counter(kind(frames) for name, frames in samples(path) if name in wanted)
    total = sum(counts.values())
    for word, count in counts.most_common():
        print(f"{count * period / 1000 / starts:8.0f}  {100 * count / total:5.1f} %  {word}")
    print(f"{total * period / 1000 / starts:8.0f}          all")


main()
