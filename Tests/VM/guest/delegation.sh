# Sourced by the tests of the guests: whoever has no cgroup of his own is told the line that gives him one, and it does.

# As somebody would copy it from the message.
advice() { sed -n 's/.*delegate as root: //p' "$1" | sed 's/[;,] then .*//'; }

# In the cgroup where this shell stands, which is root's.
limited_outside() {
    OUTSIDE=1 sh /test/as.sh tester /test/swiftpod run --rm --network=none --memory 64m localhost/vm-oci \
        cat /sys/fs/cgroup/memory.max
}

# At the top nothing can become somebody's; the line makes a place beside, for the caller to be moved to.
advice_at_the_top() {
    is_refused "cannot limit memory: .*delegate as root" limited_outside || return
    line=$(advice /tmp/refusal)
    echo "$line"
    sh -ec "$line" && output_is 67108864 in_cgroup /sys/fs/cgroup/user-1000 limited_outside
    status=$?
    rmdir /sys/fs/cgroup/user-1000/* /sys/fs/cgroup/user-1000
    return $status
}

# Further down the place itself can be given.
advice_further_down() {
    mkdir -p /sys/fs/cgroup/roots/own && echo "-memory" > /sys/fs/cgroup/roots/cgroup.subtree_control || return
    is_refused "cannot limit memory: .*not delegated to cgroup /sys/fs/cgroup/roots/own" \
        in_cgroup /sys/fs/cgroup/roots/own limited_outside || return
    line=$(advice /tmp/refusal)
    echo "$line"
    sh -ec "$line" && output_is 67108864 in_cgroup /sys/fs/cgroup/roots/own limited_outside
    status=$?
    rmdir /sys/fs/cgroup/roots/own/* /sys/fs/cgroup/roots/own /sys/fs/cgroup/roots
    return $status
}

in_cgroup() { # CGROUP COMMAND...
    place=$1
    shift
    (
        read -r shell rest < /proc/self/stat
        echo "$shell" > "$place/cgroup.procs" && "$@"
    )
}

# What the manager of a user may not divide is the system manager's to give.
advice_with_systemd() {
    rm /etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload && logs_in_again || return
    is_refused "cannot limit cpuset: .*delegate as root" run --cpuset-cpus 0 localhost/vm-oci true || return
    line=$(advice /tmp/refusal)
    echo "$line"
    output_is 67108864 run --memory 64m localhost/vm-oci cat /sys/fs/cgroup/memory.max || return
    sh -ec "$line" && logs_in_again && output_is 0 run --cpuset-cpus 0 localhost/vm-oci cat /sys/fs/cgroup/cpuset.cpus
}

# No manager can give these: the line enables them from the top down to what is the user's.
advice_of_foreign_controllers() {
    is_refused "cannot limit hugetlb, rdma: .*systemd delegates no hugetlb, rdma: delegate as root" run \
        --cgroup-conf hugetlb.2MB.max=4194304 --cgroup-conf "rdma.max=x hca_handle=1" localhost/vm-oci true || return
    line=$(advice /tmp/refusal)
    echo "$line"
    sh -ec "$line" && file_says hugetlb.2MB.max 4194304 --cgroup-conf hugetlb.2MB.max=4194304
}

logs_in_again() { systemctl restart user@1000.service && eventually [ -S /run/user/1000/bus ]; }
