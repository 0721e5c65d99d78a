# Sourced by test.sh: whole containers under each limit, judged by what the kernel lets them do and by the cgroup's files.
# $who calls from a session of his own below a subtree that is his (see as.sh), or is root.

groups() { find /sys/fs/cgroup -type d -name 'swiftpod-????????-*'; }

group_of() { # NAME: the container's directory
    pid=$(pod inspect --format '{{.State.Pid}}' "$1")
    echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")"
}

within() { # LEAST MOST NUMBER
    [ "$3" -ge "$1" ] && [ "$3" -le "$2" ] || { echo "$3 is not between $1 and $2"; return 1; }
}

file_says() { # FILE TEXT OPTION...
    file=$1 text=$2
    shift 2
    output_is "$text" run "$@" localhost/vm-oci cat "/sys/fs/cgroup/$file"
}

is_killed_for_memory() {
    pod run --name hungry --network=none --memory 32m --memory-swap 32m localhost/vm-oci tail /dev/zero
    [ $? -eq 137 ] && output_is true pod inspect --format '{{.State.OOMKilled}}' hungry
}

is_killed_for_nothing() {
    pod run -d --name shot --network=none --memory 32m localhost/vm-oci sleep 1000 && pod kill shot &&
        output_is 137 pod wait shot && output_is false pod inspect --format '{{.State.OOMKilled}}' shot
}

counts_processes() { # LIMIT: how many sleeps a shell can start
    run --pids-limit "$1" localhost/vm-oci sh -c '
        trap "echo \$n; exit" EXIT
        n=0; while [ $n -lt 12 ]; do sleep 3 & n=$((n + 1)); done' 2> /dev/null | tail -n 1
}

cpu_time() { # OPTION...: microseconds in four seconds of work
    run "$@" localhost/vm-oci sh -c 'timeout 4 sh -c "while :; do :; done"; cat /sys/fs/cgroup/cpu.stat' |
        sed -n 's/^usage_usec //p'
}

writing_takes() { # OPTION...: hundredths of a second for 3 MiB
    run "$@" localhost/vm-oci sh -c '
        read -r a rest < /proc/uptime
        dd if=/dev/zero of=/file bs=256k count=12 oflag=direct 2> /dev/null
        read -r b rest < /proc/uptime
        echo $(( $(echo $b | sed "s/\.//") - $(echo $a | sed "s/\.//") ))'
}

is_held_back() {
    slow=$(writing_takes --device-write-bps /dev/vda:1mb) fast=$(writing_takes)
    echo "3 MiB: $fast, and $slow at 1 MiB a second"
    [ "$slow" -ge 180 ] && [ "$slow" -gt $((fast * 2)) ]
}

freezes() {
    pod run -d --name busy --network=none localhost/vm-oci sh -c 'while :; do :; done' &&
        pod pause busy && output_is paused pod inspect --format '{{.State.Status}}' busy || return
    group=$(group_of busy)
    a=$(sed -n 's/^usage_usec //p' "$group/cpu.stat"); sleep 1
    b=$(sed -n 's/^usage_usec //p' "$group/cpu.stat")
    [ "$a" = "$b" ] || { echo "ran on: $a, $b"; return 1; }
    fails_with 125 pod exec busy true && pod unpause busy && sleep 1 || return
    c=$(sed -n 's/^usage_usec //p' "$group/cpu.stat")
    [ "$c" -gt "$b" ] || { echo "does not go on"; return 1; }
    pod rm -f -t 0 busy
}

survivors() { ps -o args | grep -c '^sleep 98[0-9]'; }

ends_double_forks() { # COMMAND...
    pod run -d --name forks --network=none --pid="$1" localhost/vm-oci \
        sh -c '(setsid sleep 981 & setsid sleep 982 &); trap "" TERM; sleep 983' || return
    sleep 1
    within 3 3 "$(survivors)" && shift && "$@" || return
    for turn in 1 2 3 4 5 6 7 8 9 10; do [ "$(survivors)" -eq 0 ] && break; sleep 0.2; done
    within 0 0 "$(survivors)"
}

updates() {
    pod run -d --name changing --network=none --memory 64m localhost/vm-oci sleep 1000 &&
        pod update --memory 32m --cpus 0.5 --pids-limit 50 changing || return
    group=$(group_of changing)
    output_is 33554432 cat "$group/memory.max" && output_is "50000 100000" cat "$group/cpu.max" &&
        output_is 50 cat "$group/pids.max" &&
        output_is "33554432 500000000" pod inspect --format '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}' changing
}

shows_what_the_files_say() {
    group=$(group_of changing)
    line=$(pod stats --no-stream --format '{{.PIDs}} {{.MemLimit}} {{.CPUNano}}' changing) || return
    set -- $line
    [ "$1" = "$(cat "$group/pids.current")" ] && [ "$2" = "$(cat "$group/memory.max")" ] ||
        { echo "$line"; return 1; }
    now=$(sed -n 's/^usage_usec //p' "$group/cpu.stat")
    within 1 "$now" $(($3 / 1000))
}

outlives_nothing() {
    pod run -d --name lost --network=none --memory 64m localhost/vm-oci sleep 1000 || return
    group=$(group_of lost)
    [ -d "$group" ] || return
    kill -9 $(pod inspect --format '{{.State.ConmonPid}}' lost)
    sleep 0.5
    pod rm -f lost && [ ! -e "$group" ]
}

is_refused() { # TEXT COMMAND...: 125, and one line that says so
    text=$1
    shift
    status=0
    "$@" > /tmp/refusal 2>&1 || status=$?
    [ "$status" -eq 125 ] && grep -q "$text" /tmp/refusal || { echo "$status:"; cat /tmp/refusal; return 1; }
}

filters_devices() {
    # The disk is nothing that a container has.
    node="mknod /node b 254 0 && : < /node"
    ! run --cap-add mknod localhost/vm-oci sh -c "$node" &&
        run --cap-add mknod --device-cgroup-rule 'b 254:0 rwm' localhost/vm-oci sh -c "$node" &&
        run localhost/vm-oci sh -c ': < /dev/zero && : > /dev/null'
}

limits() {
    check "memory.max" file_says memory.max 67108864 --memory 64m
    check "memory.swap.max is the sum less the memory" file_says memory.swap.max 33554432 --memory 64m --memory-swap 96m
    check "memory.low" file_says memory.low 8388608 --memory-reservation 8m
    check "cpu.weight" file_says cpu.weight 59 --cpu-shares 512
    check "a file of v2 by name" file_says memory.high 16777216 --cgroup-conf memory.high=16777216
    # A default is no reason to move a user's processes about.
    [ "$who" = tester ] || check "podman's limit of processes" file_says pids.max 2048
    check "a limit of processes" file_says pids.max 77 --pids-limit 77
    check "more memory than its limit: killed, and said why" is_killed_for_memory
    check "an ordinary SIGKILL is none of memory" is_killed_for_nothing
    check "an event of it" sh -c "sh /test/as.sh $who /test/swiftpod events --stream=false --filter event=oom | grep -q hungry"
    check "rm" pod rm hungry shot
    check "5 processes: a shell starts 4" output_is 4 counts_processes 5
    check "200 processes: it starts 12" output_is 12 counts_processes 200
    check "a fifth of a processor, ideal 800000 us" within 500000 1200000 "$(cpu_time --cpus 0.2)"
    check "no limit: more" within 2000000 9000000 "$(cpu_time)"
    check "cpuset" output_is 1 run --cpuset-cpus 1 localhost/vm-oci sh -c \
        "sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status"
    check "cpuset of a processor that is not there" is_refused cpuset.cpus run --cpuset-cpus 7 localhost/vm-oci true
    check "io.max" is_held_back
    check "pause and unpause" freezes
    check "rm -f ends double forks" ends_double_forks private pod rm -f -t 1 forks
    check "the same in the host's pid namespace" ends_double_forks host pod rm -f -t 1 forks
    check "so does the end of the first process" ends_double_forks host sh -c \
        "sh /test/as.sh $who /test/swiftpod kill forks; sh /test/as.sh $who /test/swiftpod rm -f forks"
    check "update" updates
    check "stats" shows_what_the_files_say
    check "top" sh -c "sh /test/as.sh $who /test/swiftpod top changing pid args | grep -q '^1 *sleep 1000'"
    check "rm" pod rm -f -t 0 changing
    check "a killed supervisor leaves no cgroup" outlives_nothing
    check "a worker's own limit" output_is 33554432 run --pid=host --cgroup-manager=cgroupfs --ipc=host \
        --memory 32m localhost/vm-oci cat /sys/fs/cgroup/memory.max
    check "--cgroups=disabled" output_is 0 sh -c "sh /test/as.sh $who /test/swiftpod run --rm --network=none \
        --cgroups=disabled --cgroupns=host localhost/vm-oci cat /proc/self/cgroup | grep -c swiftpod-.*- || true"
    check "--cgroups=split" file_says memory.max 67108864 --cgroups=split --memory 64m
    if [ "$who" = root ]; then
        check "--cgroup-parent" output_is 1 sh -c "/test/swiftpod run --rm --network=none --cgroup-parent /a/b \
            --memory 64m --cgroupns=host localhost/vm-oci cat /proc/self/cgroup | grep -c '^0::/a/b/swiftpod-'"
        rmdir /sys/fs/cgroup/a/b /sys/fs/cgroup/a
        check "device filter" filters_devices
    else
        check "limits without delegation are refused" env OUTSIDE=1 sh -c '. /test/limits.sh
            is_refused "not delegated.*delegate as root" sh /test/as.sh tester /test/swiftpod run --rm --network=none \
                --memory 64m localhost/vm-oci true'
        check "and ignored with a warning where podman ignores them" env OUTSIDE=1 sh /test/as.sh tester \
            /test/swiftpod --cgroup-manager=cgroupfs run --rm --network=none --memory 64m localhost/vm-oci true
        check "no limits need no delegation" env OUTSIDE=1 sh /test/as.sh tester \
            /test/swiftpod run --rm --network=none localhost/vm-oci true
    fi
    check "no cgroup is left" output_is "" groups
}
