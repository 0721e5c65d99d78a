import OCISpec

/// The default system call filter: podman's, as rows. What no row names gets ENOSYS, so that programs fall back as on
/// an older kernel.
///
/// Names stand in text, split only when a filter is compiled: the start of a container finds it compiled already.
package enum SeccompTable {
    /// Tells one version of the rows from another, so that a filter compiled from other rows is not used. Written down,
    /// because computing it takes a start longer than reading the filter; a test says what it must be.
    package static let fingerprint: UInt64 = 0x326e_9432_0b4c_4142
    package struct Row {
        package let reason: String
        /// System calls, blanks between.
        package let names: String
        package var condition: Condition = .always
        package var action: Action = .allow
        package var arguments: [RuntimeSpec.Seccomp.Argument] = []
    }

    package enum Action: Equatable, Sendable {
        case allow
        case errno(UInt32)
    }

    package enum Condition: Equatable, Sendable {
        case always
        case with(capability: String)
        case without(capability: String)
        /// Machines as `uname -m` has them.
        case on([String])
    }

    package static let rows: [Row] = refused + allowed + conditional + personalities + sockets

    /// Known and refused: programs that ask for these are to hear of permission, not of an old kernel.
    private static let refused: [Row] = [
        Row(
            reason: "replace or stop the kernel, reach other processes' memory, or are obsolete",
            names: """
                bdflush io_pgetevents kexec_file_load kexec_load migrate_pages move_pages nfsservctl nice oldfstat \
                oldlstat oldolduname oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write sgetmask \
                ssetmask swapcontext swapoff swapon sysfs uselib userfaultfd ustat vm86 vm86old vmsplice
                """, action: .errno(EPERM))
    ]

    private static let allowed: [Row] = [
        Row(
            reason: "open, read, write and describe files",
            names: """
                _llseek access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 \
                faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchown fchown32 \
                fchownat fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate \
                ftruncate64 futimesat getcwd getdents getdents64 ioctl lchown lchown32 link linkat lseek lstat \
                lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pread64 \
                preadv preadv2 pwrite64 pwritev pwritev2 read readahead readdir readlink readlinkat readv rename \
                renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs statfs64 statx symlink \
                symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime \
                utimensat utimensat_time64 utimes write writev fchmodat2
                """),
        Row(
            reason: "extended attributes; the kernel checks the namespace of each",
            names: """
                fgetxattr flistxattr fremovexattr fsetxattr getxattr lgetxattr listxattr llistxattr lremovexattr \
                lsetxattr removexattr setxattr
                """),
        Row(
            reason:
                "a container in a user namespace may mount in a mount namespace of its own; elsewhere the kernel wants CAP_SYS_ADMIN",
            names: """
                fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root umount umount2
                """),
        Row(
            reason: "address space, protection keys, memory policy",
            names: """
                brk get_mempolicy madvise mbind membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall \
                mmap mmap2 mprotect mremap msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect \
                process_mrelease remap_file_pages set_mempolicy
                """),
        Row(
            reason: "start, wait for and end processes; namespaces, which the kernel guards itself",
            names: """
                clone clone3 execve execveat exit exit_group fork pidfd_getfd pidfd_open pidfd_send_signal prctl \
                process_vm_readv process_vm_writev ptrace reboot setns unshare vfork wait4 waitid waitpid
                """),
        Row(
            reason: "who the process is, and its session",
            names: """
                capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid \
                getpgrp getpid getppid getresgid getresgid32 getresuid getresuid32 getsid gettid getuid getuid32 \
                setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setregid \
                setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setsid setuid setuid32
                """),
        Row(
            reason: "locks and thread state",
            names: """
                futex futex_time64 get_robust_list get_thread_area restart_syscall rseq set_robust_list \
                set_thread_area set_tid_address syscall
                """),
        Row(
            reason: "send, receive and block signals",
            names: """
                kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend \
                rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaction sigaltstack signal signalfd \
                signalfd4 sigpending sigprocmask sigreturn sigsuspend tgkill tkill
                """),
        Row(
            reason: "wait for descriptors and file changes",
            names: """
                _newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait \
                epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 \
                inotify_rm_watch poll ppoll ppoll_time64 pselect6 pselect6_time64 select
                """),
        Row(
            reason: "POSIX and native asynchronous input and output; not io_uring, which the default action answers",
            names: """
                io_cancel io_destroy io_getevents io_setup io_submit ioprio_get ioprio_set
                """),
        Row(
            reason: "read clocks and sleep; setting them takes CAP_SYS_TIME",
            names: """
                adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime \
                clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer \
                time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime \
                timer_settime64 timerfd timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime \
                timerfd_settime64 times
                """),
        Row(
            reason: "sockets other than the audit one, which has rows of its own",
            names: """
                accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg \
                recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair
                """),
        Row(
            reason: "pipes, System V and POSIX inter-process communication",
            names: """
                ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend \
                mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd pipe pipe2 semctl semget semop \
                semtimedop semtimedop_time64 shmat shmctl shmdt shmget
                """),
        Row(
            reason: "priorities, affinity and limits; raising them takes a capability",
            names: """
                getcpu getpriority getrlimit getrusage prlimit64 sched_get_priority_max sched_get_priority_min \
                sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval \
                sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler \
                sched_yield setpriority setrlimit ugetrlimit
                """),
        Row(
            reason: "facts about the machine, random numbers, keys",
            names: """
                getrandom keyctl sysinfo syslog uname
                """),
        Row(
            reason: "a program that confines itself further",
            names: """
                landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp
                """),
    ]

    /// A capability and what it opens; without it the calls get EPERM.
    private static let gates: [(capability: String, names: String, reason: String)] = [
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at", "opens any file of the file system, past directories' modes"),
        (
            "CAP_SYS_ADMIN",
            "bpf fanotify_init lookup_dcookie perf_event_open quotactl setdomainname sethostname",
            "change or watch what is the machine's"
        ),
        ("CAP_SYS_CHROOT", "chroot", "what the capability is for"),
        ("CAP_SYS_MODULE", "delete_module finit_module init_module query_module", "kernel modules"),
        ("CAP_SYS_PACCT", "acct", "accounting of every process"),
        ("CAP_SYS_PTRACE", "kcmp process_madvise", "look into other processes"),
        ("CAP_SYS_RAWIO", "ioperm iopl", "ports of devices"),
        ("CAP_SYS_TIME", "clock_settime clock_settime64 settimeofday stime", "the machine's clock"),
        ("CAP_SYS_TTY_CONFIG", "vhangup", "the machine's terminals"),
    ]

    private static let conditional: [Row] =
        gates.flatMap { gate in
            [
                Row(reason: gate.reason, names: gate.names, condition: .with(capability: gate.capability)),
                Row(
                    reason: gate.reason, names: gate.names, condition: .without(capability: gate.capability),
                    action: .errno(EPERM)),
            ]
        } + [
            Row(
                reason: "the architecture's own", names: "sync_file_range2",
                condition: .on(["ppc64le", "armv7l", "aarch64"])),
            Row(
                reason: "the architecture's own",
                names: "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls",
                condition: .on(["armv7l", "aarch64"])),
            Row(reason: "thread-local storage", names: "arch_prctl", condition: .on(["x86_64"])),
            Row(reason: "wine and old runtimes", names: "modify_ldt", condition: .on(["x86_64", "i686"])),
            Row(
                reason: "the architecture's own", names: "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
                condition: .on(["s390x"])),
            Row(reason: "the architecture's own", names: "riscv_flush_icache", condition: .on(["riscv64"])),
        ]

    /// Of personality(2) only what does not weaken the kernel's guards: PER_LINUX, PER_LINUX32, both with UNAME26, and
    /// the question for the present one.
    private static let personalities: [Row] = [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF].map { value in
        Row(
            reason: "uname -m of a 32-bit machine, or the question",
            names: "personality", arguments: [.init(index: 0, value: value, op: "SCMP_CMP_EQ")])
    }

    /// The audit socket (AF_NETLINK 16, NETLINK_AUDIT 9) is for those who may write audit records; libaudit takes
    /// EINVAL for a kernel without audit and goes on.
    private static let sockets: [Row] = [
        Row(reason: "every socket", names: "socket", condition: .with(capability: "CAP_AUDIT_WRITE")),
        Row(
            reason: "the audit socket", names: "socket", condition: .without(capability: "CAP_AUDIT_WRITE"),
            action: .errno(EINVAL),
            arguments: [
                .init(index: 0, value: 16, op: "SCMP_CMP_EQ"), .init(index: 2, value: 9, op: "SCMP_CMP_EQ"),
            ]),
        Row(
            reason: "other protocols", names: "socket", condition: .without(capability: "CAP_AUDIT_WRITE"),
            arguments: [.init(index: 2, value: 9, op: "SCMP_CMP_NE")]),
        Row(
            reason: "other families", names: "socket", condition: .without(capability: "CAP_AUDIT_WRITE"),
            arguments: [.init(index: 0, value: 16, op: "SCMP_CMP_NE")]),
    ]

    private static let EPERM: UInt32 = 1
    private static let EINVAL: UInt32 = 22
}
