# Sourced by test.sh: what memory.max, swap.max, high and low, and the limit of huge pages do to a program that wants more.

# On the guest's disk, so that a limit of swap has something to limit.
swap_on() {
    [ ! -e /swap ] || return 0
    dd if=/dev/zero of=/swap bs=1M count=128 2> /dev/null && chmod 600 /swap && mkswap /swap > /dev/null && swapon /swap
}

touches() { # MIB OPTION...
    mib=$1
    shift
    run -v /test/pages:/pages "$@" localhost/vm-oci /pages small "$mib"
}

swaps() {
    output_is touched touches 56 --memory 32m --memory-swap 96m &&
        fails_with 137 touches 56 --memory 32m --memory-swap 40m &&
        fails_with 137 touches 56 --memory 32m --memory-swap 32m
}

# Over memory.high nothing is killed: it swaps and is held back.
is_held_back_by_high() {
    run -v /test/pages:/pages --cgroup-conf memory.high=25165824 localhost/vm-oci sh -c '
        cd /sys/fs/cgroup
        /pages small 40 && echo $(cat memory.peak) $(sed -n "s/^\(high\|oom_kill\) //p" memory.events)' > /tmp/high || return
    set -- $(sed 1d /tmp/high)
    echo "peak $1, high $2 times, killed $3"
    # It may pass the limit by what it touches while it is on its way back.
    [ "$1" -lt 37748736 ] && [ "$2" -gt 0 ] && [ "$3" -eq 0 ]
}

swapped_by_a_neighbour() { # OPTION...: of 32 MiB that slept while another one used up what both have, bytes in swap
    mkdir -p /sys/fs/cgroup/shared && echo +memory > /sys/fs/cgroup/shared/cgroup.subtree_control &&
        echo 62914560 > /sys/fs/cgroup/shared/memory.max || return
    pod run -d --name low --network=none --cgroup-parent /shared -v /test/pages:/pages "$@" localhost/vm-oci \
        sh -c 'dd if=/dev/zero of=/dev/shm/kept bs=1M count=32 2> /dev/null; echo kept; sleep 1000' > /dev/null || return
    eventually logs low kept
    touches 56 --cgroup-parent /shared > /dev/null
    cat "$(group_of low)/memory.swap.current"
    pod rm -f -t 0 low > /dev/null
    rmdir /sys/fs/cgroup/shared
}

# What is reserved stays where it is as long as others have something to give.
is_reserved() {
    without=$(swapped_by_a_neighbour --shm-size 40m)
    with=$(swapped_by_a_neighbour --shm-size 40m --memory-reservation 40m)
    echo "in swap: $without bytes without, $with with"
    [ "$without" -gt 4194304 ] && [ "$with" -lt $((without / 4)) ]
}

# Four pages of 2 MiB, of which the container may have one. The file's pages are allocated, and so charged, by fallocate;
# those of memory when they are touched, which is SIGBUS.
limits_huge_pages() {
    echo 4 > /proc/sys/vm/nr_hugepages
    mkdir -p /huge && mount -t hugetlbfs -o mode=1777,pagesize=2M none /huge || return
    one=hugetlb.2MB.max=2097152
    run -v /huge:/huge --cgroup-conf $one localhost/vm-oci fallocate -l 2097152 /huge/one &&
        ! run -v /huge:/huge --cgroup-conf $one localhost/vm-oci fallocate -l 4194304 /huge/two &&
        run -v /huge:/huge localhost/vm-oci fallocate -l 4194304 /huge/three
    status=$?
    rm -f /huge/*
    umount /huge
    [ $status = 0 ] &&
        output_is touched run -v /test/pages:/pages --cgroup-conf $one localhost/vm-oci /pages huge 2 &&
        fails_with 135 run -v /test/pages:/pages --cgroup-conf $one localhost/vm-oci /pages huge 4 &&
        output_is touched run -v /test/pages:/pages localhost/vm-oci /pages huge 4
    status=$?
    echo 0 > /proc/sys/vm/nr_hugepages
    return $status
}

memory_limits() {
    check "swap" swap_on
    check "memory and swap together" swaps
    check "memory.high" is_held_back_by_high
    if [ "$who" = root ]; then check "memory.low" is_reserved; fi
    check "huge pages" limits_huge_pages
    check "a supervisor at a container's limit" stays_idle_beside
}

# What the supervisor of a container that thrashes at its limit spends, nanoseconds, and how often it wakes up.
stays_idle_beside() {
    pod run -d --name thrash --network=none --memory 32m --memory-swap 96m -v /test/pages:/pages localhost/vm-oci \
        /pages small 56 30 > /dev/null || return
    supervisor=$(pod inspect --format '{{.State.ConmonPid}}' thrash)
    eventually logs thrash touched || return
    group=$(group_of thrash)
    set -- $(costs)
    sleep 5
    set -- $(costs) "$@"
    echo "in $((($3 - $7) / 1000)) ms of the container the supervisor: $((($1 - $5) / 1000)) us, woken $(($2 - $6)) times;" \
        "at the limit $(($4 - $8)) times"
    pod rm -f -t 0 thrash > /dev/null
    [ $(($4 - $8)) -gt 100 ] && [ $(($2 - $6)) -lt 10 ]
}

costs() {
    echo $(cut -d' ' -f1 "/proc/$supervisor/schedstat") $(sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' \
        "/proc/$supervisor/status") $(sed -n 's/^usage_usec //p' "$group/cpu.stat") $(sed -n 's/^max //p' "$group/memory.events")
}
