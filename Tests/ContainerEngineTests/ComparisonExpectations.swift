/// What podman 4.3.1 makes of the same flags, as lines that differ from those of the plain container: taken from the
/// config.json that it hands to its OCI runtime. Where ours differs on purpose, the row says so.
let comparisonExpectations: [String: String] = [
    "user": """
    - args /bin/sh cwd /home/app
    - effective DEFAULT
    - env HOME=/root
    - env PATH=/bin:/usr/bin
    - permitted DEFAULT
    - stop 15 10
    - user 0:0 groups [] umask 22
    + args /bin/busybox sh cwd /
    + env HOME=/home/app
    + env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    + mount /data bind /store/volumes/ANONYMOUS/_data rprivate,rw,nodev,exec,nosuid,rbind
    + stop 3 10
    + user 1000:1001 groups [1001,50,60] umask 22
    """,
    "user_root": """
    - args /bin/sh cwd /home/app
    - env PATH=/bin:/usr/bin
    - stop 15 10
    - user 0:0 groups [] umask 22
    + args /bin/busybox sh cwd /
    + env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    + mount /data bind /store/volumes/ANONYMOUS/_data rprivate,rw,nodev,exec,nosuid,rbind
    + stop 3 10
    + user 0:0 groups [0] umask 22
    """,
    // podman leaves HOME to the OCI runtime, which takes it from the passwd line that was added.
    "user_num": """
    - effective DEFAULT
    - env HOME=/root
    - permitted DEFAULT
    - user 0:0 groups [] umask 22
    + env HOME=/home/app
    + user 1234:0 groups [0] umask 22
    """,
    "user_web": """
    - effective DEFAULT
    - env HOME=/root
    - permitted DEFAULT
    - user 0:0 groups [] umask 22
    + env HOME=/var/www
    + user 33:33 groups [33,50] umask 22
    """,
    "user_app_grp": """
    - effective DEFAULT
    - env HOME=/root
    - permitted DEFAULT
    - user 0:0 groups [] umask 22
    + env HOME=/home/app
    + user 1000:50 groups [50] umask 22
    """,
    // As above.
    "user_num_num": """
    - effective DEFAULT
    - env HOME=/root
    - permitted DEFAULT
    - user 0:0 groups [] umask 22
    + env HOME=/home/app
    + user 5:6 groups [6] umask 22
    """,
    "user_capadd": """
    - bounding DEFAULT
    - effective DEFAULT
    - env HOME=/root
    - permitted DEFAULT
    - user 0:0 groups [] umask 22
    + ambient net_admin
    + bounding chown,dac_override,fowner,fsetid,kill,net_admin,net_bind_service,setfcap,setgid,setpcap,setuid,sys_chroot
    + effective net_admin
    + env HOME=/home/app
    + inheritable net_admin
    + permitted net_admin
    + user 1000:1001 groups [1001,50,60] umask 22
    """,
    "capadd": """
    - bounding DEFAULT
    - effective DEFAULT
    - permitted DEFAULT
    + bounding dac_override,fowner,fsetid,kill,net_admin,net_bind_service,setfcap,setgid,setpcap,setuid,sys_chroot
    + effective dac_override,fowner,fsetid,kill,net_admin,net_bind_service,setfcap,setgid,setpcap,setuid,sys_chroot
    + permitted dac_override,fowner,fsetid,kill,net_admin,net_bind_service,setfcap,setgid,setpcap,setuid,sys_chroot
    """,
    "capdropall": """
    - bounding DEFAULT
    - effective DEFAULT
    - permitted DEFAULT
    + bounding setuid
    + effective setuid
    + permitted setuid
    """,
    "capaddall": """
    - bounding DEFAULT
    - effective DEFAULT
    - permitted DEFAULT
    + bounding 40
    + effective 40
    + permitted 40
    """,
    "nethost": """
    - hostname 0123456789ab
    - masked /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/fs/selinux /sys/dev/block
    - mount /sys sysfs sysfs nosuid,noexec,nodev,ro
    - mount /sys/fs/cgroup cgroup cgroup rprivate,nosuid,noexec,nodev,relatime,ro
    - namespaces pid network ipc uts mount user cgroup
    - sysctl net.ipv4.ping_group_range=0 0
    + hostname vm
    + masked /sys/kernel /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/fs/selinux /sys/dev/block
    + mount /sys bind /sys rprivate,nosuid,noexec,nodev,ro,rbind
    + namespaces pid ipc uts mount user cgroup
    """,
    "netnone": """
    - mount /etc/resolv.conf bind files/resolv.conf bind,rprivate
    """,
    "utshost": """
    - hostname 0123456789ab
    - namespaces pid network ipc uts mount user cgroup
    + hostname -
    + namespaces pid network ipc mount user cgroup
    """,
    // /dev/mqueue is bound where the host has one.
    "hostall": """
    - hostname 0123456789ab
    - masked /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/fs/selinux /sys/dev/block
    - mount /dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=65536000
    - mount /proc proc proc nosuid,noexec,nodev
    - mount /sys sysfs sysfs nosuid,noexec,nodev,ro
    - mount /sys/fs/cgroup cgroup cgroup rprivate,nosuid,noexec,nodev,relatime,ro
    - namespaces pid network ipc uts mount user cgroup
    - sysctl net.ipv4.ping_group_range=0 0
    + hostname vm
    + masked /sys/kernel /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/fs/selinux /sys/dev/block
    + mount /dev/shm bind /dev/shm rbind,rprivate,nosuid,noexec,nodev
    + mount /proc bind /proc rbind,nosuid,noexec,nodev,rw,rprivate
    + mount /sys bind /sys rprivate,nosuid,noexec,nodev,ro,rbind
    + namespaces uts mount user cgroup
    """,
    "keepid": """
    - effective DEFAULT
    - env HOME=/root
    - gids 0:0:1 1:1:65536
    - permitted DEFAULT
    - uids 0:0:1 1:1:65536
    - user 0:0 groups [] umask 22
    + env HOME=/home/app
    + gids 0:1:1001 1001:0:1 1002:1002:64535
    + uids 0:1:1001 1001:0:1 1002:1002:64535
    + user 1001:1001 groups [1001] umask 22
    """,
    // podman says HOME=/, the home of the caller that it adds and not of the user that runs.
    "keepid_user": """
    - args /bin/sh cwd /home/app
    - effective DEFAULT
    - env HOME=/root
    - env PATH=/bin:/usr/bin
    - gids 0:0:1 1:1:65536
    - permitted DEFAULT
    - stop 15 10
    - uids 0:0:1 1:1:65536
    - user 0:0 groups [] umask 22
    + args /bin/busybox sh cwd /
    + env HOME=/home/app
    + env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    + gids 0:1:1001 1001:0:1 1002:1002:64535
    + mount /data bind /store/volumes/ANONYMOUS/_data rprivate,rw,nodev,exec,nosuid,rbind
    + stop 3 10
    + uids 0:1:1001 1001:0:1 1002:1002:64535
    + user 1000:1001 groups [1001,50,60] umask 22
    """,
    "keepid_uid": """
    - effective DEFAULT
    - env HOME=/root
    - gids 0:0:1 1:1:65536
    - permitted DEFAULT
    - uids 0:0:1 1:1:65536
    - user 0:0 groups [] umask 22
    + env HOME=/home/app
    + gids 0:1:1001 1001:0:1 1002:1002:64535
    + uids 0:1:1000 1000:0:1 1001:1001:64536
    + user 1000:1001 groups [1001] umask 22
    """,
    // podman adds group 0 to root's groups.
    "nomap": """
    - gids 0:0:1 1:1:65536
    - uids 0:0:1 1:1:65536
    + gids 0:1:65536
    + uids 0:1:65536
    """,
    "usernshost": """
    """,
    "auto": """
    - gids 0:0:1 1:1:65536
    - uids 0:0:1 1:1:65536
    + gids 0:1:1024
    + uids 0:1:1024
    """,
    "auto_size": """
    - gids 0:0:1 1:1:65536
    - uids 0:0:1 1:1:65536
    + gids 0:1:5000
    + uids 0:1:5000
    """,
    "uidmap2": """
    - gids 0:0:1 1:1:65536
    - uids 0:0:1 1:1:65536
    + gids 0:1:100 100:0:1
    + uids 0:1:100 100:0:1
    """,
    // podman leaves the mode of a tmpfs to its OCI runtime, which copies what is beneath.
    "readonly": """
    - mount /etc/hostname bind files/hostname bind,rprivate
    - mount /etc/hosts bind files/hosts bind,rprivate
    - mount /etc/resolv.conf bind files/resolv.conf bind,rprivate
    - mount /run/.containerenv bind files/containerenv bind,rprivate
    + mount /etc/hostname bind files/hostname bind,rprivate,ro,nosuid,noexec,nodev
    + mount /etc/hosts bind files/hosts bind,rprivate,ro,nosuid,noexec,nodev
    + mount /etc/resolv.conf bind files/resolv.conf bind,rprivate,ro,nosuid,noexec,nodev
    + mount /run tmpfs tmpfs rw,rprivate,nosuid,nodev,mode=755
    + mount /tmp tmpfs tmpfs rw,rprivate,nosuid,nodev,mode=1777
    + mount /var/tmp tmpfs tmpfs rw,rprivate,nosuid,nodev,mode=1777
    + read-only
    """,
    "readonly_notmpfs": """
    - mount /etc/hostname bind files/hostname bind,rprivate
    - mount /etc/hosts bind files/hosts bind,rprivate
    - mount /etc/resolv.conf bind files/resolv.conf bind,rprivate
    - mount /run/.containerenv bind files/containerenv bind,rprivate
    + mount /etc/hostname bind files/hostname bind,rprivate,ro,nosuid,noexec,nodev
    + mount /etc/hosts bind files/hosts bind,rprivate,ro,nosuid,noexec,nodev
    + mount /etc/resolv.conf bind files/resolv.conf bind,rprivate,ro,nosuid,noexec,nodev
    + mount /run/.containerenv bind files/containerenv bind,rprivate,ro,nosuid,noexec,nodev
    + read-only
    """,
    // As for a read-only root.
    "tmpfs": """
    - mount /run/.containerenv bind files/containerenv bind,rprivate
    + mount /bar tmpfs tmpfs size=1m,mode=700,rw,rprivate,nosuid,nodev
    + mount /foo tmpfs tmpfs rw,rprivate,nosuid,nodev,mode=1777
    + mount /run tmpfs tmpfs rw,rprivate,nosuid,nodev,mode=755
    """,
    "mounts": """
    + mount /a bind /tmp ro,rprivate,rbind
    + mount /anon bind /store/volumes/ANONYMOUS/_data rw,rprivate,nosuid,nodev,rbind
    + mount /b bind /etc rshared,rw,rbind
    + mount /c bind /store/volumes/named/_data rw,rprivate,nosuid,nodev,rbind
    + mount /e bind /etc ro,rprivate,rbind
    + mount /t tmpfs tmpfs size=1m,mode=700,rw,rprivate,nosuid,nodev
    + propagation shared
    """,
    "volov": """
    - args /bin/sh cwd /home/app
    - effective DEFAULT
    - env HOME=/root
    - env PATH=/bin:/usr/bin
    - permitted DEFAULT
    - stop 15 10
    - user 0:0 groups [] umask 22
    + args /bin/busybox sh cwd /
    + env HOME=/home/app
    + env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    + mount /data bind /tmp rw,rprivate,rbind
    + stop 3 10
    + user 1000:1001 groups [1001,50,60] umask 22
    """,
    "tmpov": """
    - args /bin/sh cwd /home/app
    - effective DEFAULT
    - env HOME=/root
    - env PATH=/bin:/usr/bin
    - permitted DEFAULT
    - stop 15 10
    - user 0:0 groups [] umask 22
    + args /bin/busybox sh cwd /
    + env HOME=/home/app
    + env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    + mount /data tmpfs tmpfs rw,rprivate,nosuid,nodev,tmpcopyup,mode=755
    + stop 3 10
    + user 1000:1001 groups [1001,50,60] umask 22
    """,
    "volnamed": """
    - args /bin/sh cwd /home/app
    - effective DEFAULT
    - env HOME=/root
    - env PATH=/bin:/usr/bin
    - permitted DEFAULT
    - stop 15 10
    - user 0:0 groups [] umask 22
    + args /bin/busybox sh cwd /
    + env HOME=/home/app
    + env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    + mount /data bind /store/volumes/nn/_data rw,rprivate,nosuid,nodev,rbind
    + stop 3 10
    + user 1000:1001 groups [1001,50,60] umask 22
    """,
    "shm": """
    - mount /dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=65536000
    + mount /dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=10485760
    """,
    "ulimit": """
    - rlimits nofile=20000:20000 nproc=32768:32768
    + rlimits core=0:0 nofile=100:200 nproc=32768:32768
    """,
    "ulimit_host": """
    - rlimits nofile=20000:20000 nproc=32768:32768
    + rlimits
    """,
    "sysctl": """
    + sysctl kernel.msgmax=100
    + sysctl net.ipv4.ip_forward=1
    """,
    // podman says slave, and so makes the whole root a slave of the host's.
    "device": """
    + mount /dev/full bind /dev/full rprivate,nosuid,noexec,rw,rbind
    + mount /dev/xnull bind /dev/null rprivate,nosuid,noexec,ro,rbind
    """,
    "nnp": """
    - seccomp defaultProfile
    + no-new-privileges
    + seccomp none
    """,
    "mask": """
    - masked /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/fs/selinux /sys/dev/block
    + masked /proc/acpi /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/fs/selinux /sys/dev/block /foo /bar
    """,
    // podman does the same on a unified hierarchy.
    "unmaskall": """
    - fixed /proc/asound /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger
    - masked /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/fs/selinux /sys/dev/block
    - mount /sys/fs/cgroup cgroup cgroup rprivate,nosuid,noexec,nodev,relatime,ro
    + fixed
    + masked
    + mount /sys/fs/cgroup cgroup cgroup rprivate,nosuid,noexec,nodev,relatime,rw
    """,
    "hosts": """
    - hostname 0123456789ab
    + hostname hh
    """,
    "tty": """
    - args /bin/sh cwd /home/app
    + args /bin/sh cwd /home/app tty
    """,
    "entry": """
    - args /bin/sh cwd /home/app
    - effective DEFAULT
    - env HOME=/root
    - env PATH=/bin:/usr/bin
    - permitted DEFAULT
    - stop 15 10
    - user 0:0 groups [] umask 22
    + args /bin/x a b cwd /
    + env HOME=/home/app
    + env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    + mount /data bind /store/volumes/ANONYMOUS/_data rprivate,rw,nodev,exec,nosuid,rbind
    + stop 3 10
    + user 1000:1001 groups [1001,50,60] umask 22
    """,
    "cmd": """
    - args /bin/sh cwd /home/app
    - effective DEFAULT
    - env HOME=/root
    - env PATH=/bin:/usr/bin
    - permitted DEFAULT
    - stop 15 10
    - user 0:0 groups [] umask 22
    + args /bin/busybox a b cwd /
    + env HOME=/home/app
    + env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    + mount /data bind /store/volumes/ANONYMOUS/_data rprivate,rw,nodev,exec,nosuid,rbind
    + stop 3 10
    + user 1000:1001 groups [1001,50,60] umask 22
    """,
    "env": """
    - env FOO=bar
    - env PATH=/bin:/usr/bin
    - env TERM=xterm
    + env A=1
    + env FOO=over
    + env TERM=dumb
    """,
    "envall": """
    - env FOO=bar
    - env PATH=/bin:/usr/bin
    - env TERM=xterm
    - env container=podman
    + env B=2
    """,
    "workdir": """
    - args /bin/sh cwd /home/app
    + args /bin/sh cwd /home
    """,
    "groups": """
    - user 0:0 groups [] umask 22
    + user 0:0 groups [50,77] umask 22
    """,
    "groups_user": """
    - effective DEFAULT
    - env HOME=/root
    - permitted DEFAULT
    - user 0:0 groups [] umask 22
    + env HOME=/home/app
    + user 1000:1001 groups [1001,77,50,60] umask 22
    """,
    "umask": """
    - user 0:0 groups [] umask 22
    + user 0:0 groups [] umask 77
    """,
    "oom": """
    + oom 100
    """,
    "stop": """
    - stop 15 10
    + stop 37 3
    """,
    // podman binds the standard devices a second time.
    "priv": """
    - bounding DEFAULT
    - effective DEFAULT
    - fixed /proc/asound /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger
    - masked /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/fs/selinux /sys/dev/block
    - mount /sys sysfs sysfs nosuid,noexec,nodev,ro
    - mount /sys/fs/cgroup cgroup cgroup rprivate,nosuid,noexec,nodev,relatime,ro
    - permitted DEFAULT
    - seccomp defaultProfile
    + bounding 41
    + effective 41
    + fixed
    + masked
    + mount /sys sysfs sysfs nosuid,noexec,nodev,rw
    + mount /sys/fs/cgroup cgroup cgroup rprivate,nosuid,noexec,nodev,relatime,rw
    + permitted 41
    + seccomp none
    """,
    "root_plain": """
    - gids 0:0:1 1:1:65536
    - namespaces pid network ipc uts mount user cgroup
    - uids 0:0:1 1:1:65536
    + gids
    + namespaces pid network ipc uts mount cgroup
    + uids
    """,
    "root_hostall": """
    - gids 0:0:1 1:1:65536
    - hostname 0123456789ab
    - mount /dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=65536000
    - namespaces pid network ipc uts mount user cgroup
    - sysctl net.ipv4.ping_group_range=0 0
    - uids 0:0:1 1:1:65536
    + gids
    + hostname vm
    + mount /dev/shm bind /dev/shm rbind,rprivate,nosuid,noexec,nodev
    + namespaces uts mount cgroup
    + uids
    """,
    "root_uidmap": """
    - gids 0:0:1 1:1:65536
    - uids 0:0:1 1:1:65536
    + gids 0:1:100
    + uids 0:1:100
    """,
]

/// The plain container of an unprivileged caller.
let plainExpectation = """
    args /bin/sh cwd /home/app
    user 0:0 groups [] umask 22
    rlimits nofile=20000:20000 nproc=32768:32768
    hostname 0123456789ab
    namespaces pid network ipc uts mount user cgroup
    uids 0:0:1 1:1:65536
    gids 0:0:1 1:1:65536
    seccomp defaultProfile
    masked /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/fs/selinux /sys/dev/block
    fixed /proc/asound /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger
    stop 15 10
    bounding DEFAULT
    effective DEFAULT
    permitted DEFAULT
    env PATH=/bin:/usr/bin
    env TERM=xterm
    env container=podman
    env FOO=bar
    env HOME=/root
    sysctl net.ipv4.ping_group_range=0 0
    mount /proc proc proc nosuid,noexec,nodev
    mount /dev tmpfs tmpfs nosuid,noexec,strictatime,mode=755,size=65536k
    mount /sys sysfs sysfs nosuid,noexec,nodev,ro
    mount /dev/pts devpts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5
    mount /dev/mqueue mqueue mqueue nosuid,noexec,nodev
    mount /dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=65536000
    mount /etc/hostname bind files/hostname bind,rprivate
    mount /etc/resolv.conf bind files/resolv.conf bind,rprivate
    mount /etc/hosts bind files/hosts bind,rprivate
    mount /run/.containerenv bind files/containerenv bind,rprivate
    mount /sys/fs/cgroup cgroup cgroup rprivate,nosuid,noexec,nodev,relatime,ro
    """
