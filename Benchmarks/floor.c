/*
 * The kernel's own price of a rootless container: the system calls that nobody can leave out, in as little C as holds
 * them. Everything else that a runtime takes is its own. Start to exit is what counts, so nothing is measured here.
 *
 *     floor LEVEL ROOTFS SCRATCH COMMAND [ARGUMENT...]
 *
 * LEVEL adds to all that stand before it:
 *     spawn       a child that executes COMMAND, here as is, below from ROOTFS
 *     userns      in a user namespace, the caller being its root
 *     namespaces  and mount, pid, uts, ipc and cgroup namespaces
 *     rootfs      on ROOTFS, pivoted into
 *     overlay     on an overlay of ROOTFS with an upper directory in SCRATCH, which is removed afterwards
 *     mounts      and /proc, /sys, /dev with its nodes, /dev/pts, /dev/shm and /dev/mqueue
 *     network     and a network namespace of its own, whose loopback is up
 *     cgroup      and a cgroup made below the directory that the environment names as FLOOR_CGROUP
 * and beside them
 *     worker      this very process, in user and mount namespaces, on an overlay with the host's /proc, /sys and /dev,
 *                 becomes COMMAND; nobody is left to remove what is in SCRATCH
 *
 * Called `true` it does nothing, called `pause` it waits for a signal: a root file system needs no other program.
 *
 * Build: cc -O2 -static -Wall -Wextra -o floor floor.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum level { SPAWN, USERNS, NAMESPACES, ROOTFS, OVERLAY, MOUNTS, NETWORK, CGROUP, WORKER, LEVELS };
static const char *const names[LEVELS] = {"spawn",   "userns", "namespaces", "rootfs",
                                          "overlay", "mounts", "network",    "cgroup",
                                          "worker"};

static void must(long result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    _exit(125);
}

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    must(fd, path);
    must(write(fd, text, strlen(text)), path);
    close(fd);
}

static void map_ids(void) {
    char map[32];
    unsigned uid = getuid(), gid = getgid();
    must(unshare(CLONE_NEWUSER), "unshare user namespace");
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_file("/proc/self/uid_map", map);
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_file("/proc/self/gid_map", map);
}

/* The working directory is the new root from here on. */
static void enter_root(enum level level, const char *rootfs, const char *upper, const char *work, const char *merged) {
    must(mount("", "/", NULL, MS_REC | MS_SLAVE, NULL), "make / a slave");
    if (level < OVERLAY) {
        must(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL), "bind rootfs");
        must(chdir(rootfs), rootfs);
        return;
    }
    char options[3 * 4096 + 64];
    /* volatile: what is thrown away with the container need not reach the disk. Without it the kernel writes out the
     * whole file system below when the overlay goes, which takes as long as others have made it. */
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s,userxattr,volatile", rootfs, upper, work);
    must(mount("overlay", merged, "overlay", 0, options), "mount overlay");
    must(chdir(merged), merged);
}

static void mount_kernel_files(enum level level) {
    static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
    must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount proc");
    /* sysfs shows the network namespace's devices: it can be mounted only where that namespace is ours. */
    if (level >= NETWORK)
        must(mount("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount sysfs");
    else
        must(mount("/sys", "sys", NULL, MS_BIND | MS_REC, NULL), "bind /sys");
    must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"), "mount /dev");
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        char from[32], to[32];
        snprintf(from, sizeof from, "/dev/%s", nodes[i]);
        snprintf(to, sizeof to, "dev/%s", nodes[i]);
        int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        must(fd, to);
        close(fd);
        must(mount(from, to, NULL, MS_BIND, NULL), from);
    }
    must(mkdir("dev/pts", 0755) | mkdir("dev/shm", 0755) | mkdir("dev/mqueue", 0755), "make directories in /dev");
    must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"),
         "mount devpts");
    must(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k"), "mount shm");
    must(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount mqueue");
    must(symlink("pts/ptmx", "dev/ptmx") | symlink("/proc/self/fd", "dev/fd")
             | symlink("/proc/self/fd/0", "dev/stdin") | symlink("/proc/self/fd/1", "dev/stdout")
             | symlink("/proc/self/fd/2", "dev/stderr"),
         "make links in /dev");
}

static void raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(fd, "socket");
    must(ioctl(fd, SIOCSIFFLAGS, &request), "raise lo");
    close(fd);
}

static void remove_scratch(const char *scratch) {
    /* What a volatile overlay leaves in its work directory comes first. */
    static const char *const inside[] = {"work/work/incompat/volatile/dirty", "work/work/incompat/volatile",
                                         "work/work/incompat", "work/work", "work", "upper", "merged"};
    int fd = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(fd, scratch);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        must(unlinkat(fd, inside[i], i == 0 ? 0 : AT_REMOVEDIR), inside[i]);
    close(fd);
    must(rmdir(scratch), scratch);
}

static int become_worker(char **argv, const char *upper, const char *work, const char *merged) {
    static const char *const shared[] = {"proc", "sys", "dev"};
    map_ids();
    must(unshare(CLONE_NEWNS), "unshare mount namespace");
    enter_root(WORKER, argv[2], upper, work, merged);
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        char from[16];
        snprintf(from, sizeof from, "/%s", shared[i]);
        must(mount(from, shared[i], NULL, MS_BIND | MS_REC, NULL), from);
    }
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "unmount the old root");
    execv(argv[4], argv + 4);
    must(-1, argv[4]);
    return 125;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv) {
    if (argc > 0 && strcmp(last_part(argv[0]), "true") == 0) return 0;
    if (argc > 0 && strcmp(last_part(argv[0]), "pause") == 0) {
        /* As process 1 it gets only the signals that it asks for. */
        sigset_t ends;
        int number;
        sigemptyset(&ends);
        sigaddset(&ends, SIGTERM);
        sigaddset(&ends, SIGINT);
        sigprocmask(SIG_BLOCK, &ends, NULL);
        return sigwait(&ends, &number);
    }
    if (argc < 5) {
        fprintf(stderr, "usage: floor LEVEL ROOTFS SCRATCH COMMAND [ARGUMENT...]\n");
        return 125;
    }
    enum level level = SPAWN;
    while (level < LEVELS && strcmp(argv[1], names[level]) != 0) level++;
    if (level == LEVELS) {
        fprintf(stderr, "floor: no level %s\n", argv[1]);
        return 125;
    }
    const char *rootfs = argv[2];
    char scratch[4096], upper[4200], work[4200], merged[4200], group[4200];
    snprintf(scratch, sizeof scratch, "%s/floor-%d", argv[3], (int)getpid());
    snprintf(upper, sizeof upper, "%s/upper", scratch);
    snprintf(work, sizeof work, "%s/work", scratch);
    snprintf(merged, sizeof merged, "%s/merged", scratch);

    if (level == WORKER) {
        must(mkdir(scratch, 0700) | mkdir(upper, 0755) | mkdir(work, 0700) | mkdir(merged, 0755), scratch);
        return become_worker(argv, upper, work, merged);
    }
    struct clone_args args = {.exit_signal = SIGCHLD};
    int group_fd = -1;
    if (level >= CGROUP) {
        const char *parent = getenv("FLOOR_CGROUP");
        if (!parent) parent = "(FLOOR_CGROUP is not set)";
        snprintf(group, sizeof group, "%s/floor-%d", parent, (int)getpid());
        must(mkdir(group, 0755), group);
        group_fd = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
        must(group_fd, group);
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)group_fd;
    }
    if (level >= OVERLAY)
        must(mkdir(scratch, 0700) | mkdir(upper, 0755) | mkdir(work, 0700) | mkdir(merged, 0755), scratch);
    if (level >= USERNS) map_ids();
    if (level >= NAMESPACES)
        args.flags |= CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
    if (level >= NETWORK) args.flags |= CLONE_NEWNET;

    long child = syscall(SYS_clone3, &args, sizeof args);
    must(child, "clone3");
    if (child == 0) {
        if (level >= ROOTFS) enter_root(level, rootfs, upper, work, merged);
        if (level >= MOUNTS) mount_kernel_files(level);
        if (level >= NETWORK) raise_loopback();
        if (level >= ROOTFS) {
            must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
            must(umount2(".", MNT_DETACH), "unmount the old root");
        }
        execv(argv[4], argv + 4);
        must(-1, argv[4]);
    }
    int status;
    must(waitpid((pid_t)child, &status, 0), "wait");
    if (level >= CGROUP) must(rmdir(group), group);
    if (level >= OVERLAY) remove_scratch(scratch);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
