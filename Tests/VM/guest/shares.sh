# Sourced by test.sh: weights, which say nothing until two want the same, and rates of block devices.

# Two containers, busy on one processor, side by side in one session: cgroups' weights are compared with their siblings'.
busy_pair() { # OPTIONS-OF-THE-FIRST OPTIONS-OF-THE-SECOND
    as sh -c "
        /test/swiftpod run -d --name first --network=none --cpuset-cpus 1 $1 localhost/vm-oci sh -c 'while :; do :; done' &&
        /test/swiftpod run -d --name second --network=none --cpuset-cpus 1 $2 localhost/vm-oci sh -c 'while :; do :; done'" \
        > /dev/null || return
    first=$(group_of first) second=$(group_of second)
    a=$(used_in "$first") b=$(used_in "$second")
    sleep 3
    a=$(($(used_in "$first") - a)) b=$(($(used_in "$second") - b))
    weights="$(cat "$first/cpu.weight") $(cat "$second/cpu.weight")"
    pod rm -f -t 0 first second > /dev/null
    echo "$a us and $b us, weights $weights"
}

share_by_weight() {
    busy_pair "--cpu-shares 256" "--cpu-shares 2048" || return
    set -- $weights
    ideal=$((b * $1 / $2))
    within $((ideal / 2)) $((ideal * 2)) "$a"
}

yields_when_idle() {
    busy_pair "--cgroup-conf cpu.idle=1" "" || return
    [ $((a * 10)) -lt "$b" ]
}

# Takes what it did not use before: with a burst of a whole period the first one of a container that has slept is twice as
# long. Only that it is written can be seen without a clock that nobody else disturbs.
bursts() { file_says cpu.max.burst 10000 --cpus 0.5 --cgroup-conf cpu.max.burst=10000; }

# BFQ weighs by itself, in v1's numbers. Which of the two files counts is seen by what the kernel has.
shares_io_by_bfq() {
    [ -e /sys/block/vda/queue/iosched ] && before=$(sed 's/.*\[\(.*\)\].*/\1/' /sys/block/vda/queue/scheduler)
    echo bfq > /sys/block/vda/queue/scheduler || return
    file_says io.bfq.weight "default 500" --blkio-weight 500 &&
        output_is "254:0 200" sh -c "sh /test/as.sh $who /test/swiftpod run --rm --network=none \
            --blkio-weight-device /dev/vda:200 localhost/vm-oci cat /sys/fs/cgroup/io.bfq.weight | grep :"
    status=$?
    echo "${before:-none}" > /sys/block/vda/queue/scheduler
    return $status
}

# Hundredths of a second for what is done to /file, which is there.
takes() { # COMMAND OPTION...
    command=$1
    shift
    run "$@" localhost/vm-oci sh -c '
        dd if=/dev/zero of=/file bs=256k count=12 oflag=direct 2> /dev/null
        read -r a rest < /proc/uptime
        '"$command"' 2> /dev/null
        read -r b rest < /proc/uptime
        echo $(( $(echo $b | sed "s/\.//") - $(echo $a | sed "s/\.//") ))'
}

# Never faster than the limit; and without it, once in some tries, faster than that.
is_slower_with() { # LEAST COMMAND OPTION...
    least=$1 what=$2
    shift 2
    slow=$(takes "$what" "$@")
    [ "$slow" -ge "$least" ] || { echo "with $*: $slow"; return 1; }
    for turn in 1 2 3 4 5; do
        fast=$(takes "$what")
        [ $((fast * 2)) -ge "$slow" ] || return 0
    done
    echo "$fast, and $slow with $*"
    return 1
}

shares() {
    check "shares of one processor" in_three_tries share_by_weight
    check "cpu.idle" in_three_tries yields_when_idle
    check "cpu.max.burst" bursts
    check "weights by bfq" shares_io_by_bfq
    check "bytes read" is_slower_with 180 "dd if=/file of=/dev/null bs=256k count=12 iflag=direct" --device-read-bps /dev/vda:1mb
    check "reads" is_slower_with 180 "dd if=/file of=/dev/null bs=4k count=60 iflag=direct" --device-read-iops /dev/vda:20
    check "writes" is_slower_with 180 "dd if=/dev/zero of=/other bs=4k count=60 oflag=direct" --device-write-iops /dev/vda:20
}
