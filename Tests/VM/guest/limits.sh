# Sourced by test.sh: whole containers under each limit, judged by what the kernel lets them do and by the cgroup's files.
# $who calls from a session of his own below a subtree that is his (see as.sh), or is root.

groups() { find /sys/fs/cgroup -type d -name 'swiftpod-????????-*'; }

has_file() { [ -e "/sys/fs/cgroup/user.slice/$1" ]; }

is_killed_for_memory() {
    pod run --name hungry --network=none --memory 32m --memory-swap 32m localhost/vm-oci tail /dev/zero
    [ $? -eq 137 ] && output_is true pod inspect --format '{{.State.OOMKilled}}' hungry
}

is_killed_for_nothing() {
    pod run -d --name shot --network=none --memory 32m localhost/vm-oci sleep 1000 && pod kill shot &&
        output_is 137 pod wait shot && output_is false pod inspect --format '{{.State.OOMKilled}}' shot
}

worker() { pod run --pid=host --cgroup-manager=cgroupfs --ipc=host --network=none "$@"; }

# Without memory.oom.group the shell would be told of a killed child, and go on.
dies_whole() {
    fails_with 137 worker --memory 32m --memory-swap 32m localhost/vm-oci \
        sh -c 'sleep 984 & tail /dev/zero; echo "it goes on"' > /tmp/worker || { cat /tmp/worker; return 1; }
    output_is "" cat /tmp/worker && eventually survivors_are 0
}

counts_ooms() { pod events --stream=false --filter event=oom | grep -c "$1"; }

counts_processes() { # LIMIT: how many sleeps a shell can start
    run --pids-limit "$1" localhost/vm-oci sh -c '
        trap "echo \$n; exit" EXIT
        n=0; while [ $n -lt 12 ]; do sleep 500 & n=$((n + 1)); done' 2> /dev/null | tail -n 1
}

# Busy for some seconds: processor time, what has passed, and how often it was held back; microseconds.
spends() { # OPTION...
    run "$@" localhost/vm-oci sh -c '
        read -r a rest < /proc/uptime
        timeout 4 sh -c "while :; do :; done"
        read -r b rest < /proc/uptime
        used=$(sed -n "s/^usage_usec //p" /sys/fs/cgroup/cpu.stat)
        echo $used $(( ($(echo $b | sed "s/\.//") - $(echo $a | sed "s/\.//")) * 10000 )) \
            $(sed -n "s/^nr_throttled //p" /sys/fs/cgroup/cpu.stat)'
}

# The ideal is what has passed, times the quota. The least says that it is the quota which holds it back.
gets_a_fifth() {
    set -- $(spends --cpus 0.2)
    echo "used $1 us of $2, ideal $(($2 / 5)), held back $3 times"
    [ "$3" -ge 5 ] && within $(($2 / 5 / 3)) $(($2 / 5 * 13 / 10)) "$1"
}

gets_more_without() {
    set -- $(spends --cpu-shares 1024)
    echo "used $1 us of $2, held back $3 times"
    [ "$3" -eq 0 ] && [ "$1" -gt $(($2 * 3 / 10)) ]
}

writing_takes() { # OPTION...: hundredths of a second for 3 MiB
    run "$@" localhost/vm-oci sh -c '
        read -r a rest < /proc/uptime
        dd if=/dev/zero of=/file bs=256k count=12 oflag=direct 2> /dev/null
        read -r b rest < /proc/uptime
        echo $(( $(echo $b | sed "s/\.//") - $(echo $a | sed "s/\.//") ))'
}

# Never faster than the limit; and without it, once in some tries, faster than that.
is_held_back() {
    slow=$(writing_takes --device-write-bps /dev/vda:1mb)
    [ "$slow" -ge 180 ] || { echo "3 MiB at 1 MiB a second: $slow"; return 1; }
    for turn in 1 2 3 4 5; do
        fast=$(writing_takes)
        [ $((fast * 2)) -ge "$slow" ] || return 0
    done
    echo "3 MiB: $fast, and $slow at 1 MiB a second"
    return 1
}

used_in() { sed -n 's/^usage_usec //p' "$1/cpu.stat"; }

runs_on() { [ "$(used_in "$1")" -gt "$2" ]; }

freezes() {
    pod run -d --name busy --network=none localhost/vm-oci sh -c 'while :; do :; done' &&
        pod pause busy && output_is paused pod inspect --format '{{.State.Status}}' busy || return
    group=$(group_of busy)
    a=$(used_in "$group"); sleep 1; b=$(used_in "$group")
    [ "$a" = "$b" ] || { echo "ran on: $a, $b"; return 1; }
    fails_with 125 pod exec busy true && pod unpause busy && eventually runs_on "$group" "$b" || return
    pod rm -f -t 0 busy
}

survivors() { ps -o args | grep -c '^sleep 98[0-9]'; }

survivors_are() { within "$1" "$1" "$(survivors)"; }

ends_double_forks() { # COMMAND...
    pod run -d --name forks --network=none --pid="$1" localhost/vm-oci \
        sh -c '(setsid sleep 981 & setsid sleep 982 &); trap "" TERM; sleep 983' || return
    eventually survivors_are 3 && shift && "$@" && eventually survivors_are 0
}

updates() {
    pod run -d --name changing --network=none --memory 64m localhost/vm-oci sleep 1000 &&
        pod update --memory 32m --memory-reservation 16m --cpus 0.5 --cpu-shares 2048 --cpuset-cpus 0 --pids-limit 50 \
            --blkio-weight 500 --device-write-bps /dev/vda:4mb changing || return
    group=$(group_of changing)
    output_is 33554432 cat "$group/memory.max" && output_is 33554432 cat "$group/memory.swap.max" &&
        output_is 16777216 cat "$group/memory.low" && output_is "50000 100000" cat "$group/cpu.max" &&
        output_is 174 cat "$group/cpu.weight" && output_is 0 cat "$group/cpuset.cpus" &&
        output_is 50 cat "$group/pids.max" && output_is "254:0 rbps=max wbps=4194304 riops=max wiops=max" \
        cat "$group/io.max" &&
        output_is "33554432 500000000" pod inspect --format '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}' changing
}

# A kernel without it has no file of the name, and the wish is refused.
limits_zswap() {
    has_file memory.zswap.max || {
        is_refused memory.zswap.max run --cgroup-conf memory.zswap.max=4194304 localhost/vm-oci true
        return
    }
    file_says memory.zswap.max 4194304 --cgroup-conf memory.zswap.max=4194304
}

shares_io() {
    # Without the file there is no scheduler that could weigh anything, and the wish is refused.
    has_file io.weight || {
        is_refused io.weight run --blkio-weight 500 localhost/vm-oci true
        return
    }
    file_says io.weight "default 4950" --blkio-weight 500
}

# Nothing of what an update asks for is done where one part of it cannot be.
updates_all_or_nothing() {
    group=$(group_of changing)
    fails_with 125 pod update --memory 48m --cpuset-cpus 7 changing && output_is 33554432 cat "$group/memory.max" &&
        output_is 33554432 pod inspect --format '{{.HostConfig.Memory}}' changing
}

shows_what_the_files_say() {
    group=$(group_of changing)
    line=$(pod stats --no-stream --format '{{.PIDs}} {{.MemLimit}} {{.CPUNano}}' changing) || return
    set -- $line
    [ "$1" = "$(cat "$group/pids.current")" ] && [ "$2" = "$(cat "$group/memory.max")" ] ||
        { echo "$line"; return 1; }
    within 1 "$(used_in "$group")" $(($3 / 1000))
}

# The shell that is the caller, and what it sees of the container from where it stands.
is_split() {
    output_is split as sh -c '
        own=$(sed -n "s/^0:://p" /proc/self/cgroup)
        /test/swiftpod run --rm --network=none --cgroups=split --memory 64m --cgroupns=host localhost/vm-oci \
            cat /proc/self/cgroup | grep -q "^0::${own%/}/swiftpod-" && echo split'
}

streams_stats() {
    as timeout 5 /test/swiftpod stats --interval 1 --format '{{.Name}} {{.PIDs}}' changing > /tmp/stream
    within 2 5 "$(grep -c '^changing [1-9]' /tmp/stream)"
}

stats_as_json() { pod stats --no-stream --format json changing | grep -q '"name": *"changing"'; }

# Held back to a tenth of a processor it waits most of the time. Frozen it does not, and the figure fades from look to look.
shows_pressure() {
    pod run -d --name pressed --network=none --cpus 0.1 localhost/vm-oci sh -c 'while :; do :; done' > /dev/null || return
    group=$(group_of pressed)
    eventually pressure_is_felt && before=$(pressure_of_file) && shown=$(pressure_shown) && after=$(pressure_of_file)
    pod rm -f -t 0 pressed > /dev/null
    echo "before $before, shown $shown, after $after, in hundredths"
    [ "$before" -le "$after" ] || set -- "$after" "$before"
    within "${1:-$before}" "${2:-$after}" "$shown"
}

pressure_of_file() { sed -n 's/^some avg10=\([0-9]*\)\.\([0-9]*\) .*/\1\2/p' "$group/cpu.pressure" | sed 's/^0*\(.\)/\1/'; }

pressure_shown() { pod stats --no-stream --format '{{.CPUPressure}}' pressed | sed 's/[.%]//g; s/^0*\(.\)/\1/'; }

pressure_is_felt() { [ "$(pressure_of_file)" -gt 500 ]; }

outlives_nothing() {
    pod run -d --name lost --network=none --memory 64m localhost/vm-oci sleep 1000 || return
    group=$(group_of lost)
    [ -d "$group" ] || return
    supervisor=$(pod inspect --format '{{.State.ConmonPid}}' lost)
    kill -9 "$supervisor"
    eventually [ ! -e "/proc/$supervisor/exe" ] && pod rm -f lost && [ ! -e "$group" ]
}

filters_devices() {
    # The disk is nothing that a container has.
    node="mknod /node b 254 0 && : < /node"
    ! run --cap-add mknod localhost/vm-oci sh -c "$node" &&
        run --cap-add mknod --device-cgroup-rule 'b 254:0 rwm' localhost/vm-oci sh -c "$node" &&
        run localhost/vm-oci sh -c ': < /dev/zero && : > /dev/null'
}

limits() {
    check "info names the controllers" sh -c "sh /test/as.sh $who /test/swiftpod info --format '{{.host.cgroupControllers}}' |
        grep memory"
    check "memory.max" file_says memory.max 67108864 --memory 64m
    check "memory.swap.max is the sum less the memory" file_says memory.swap.max 33554432 --memory 64m --memory-swap 96m
    check "memory.low" file_says memory.low 8388608 --memory-reservation 8m
    check "cpu.weight" file_says cpu.weight 59 --cpu-shares 512
    check "a file of v2 by name" file_says memory.high 16777216 --cgroup-conf memory.high=16777216
    check "memory.zswap.max" limits_zswap
    check "cpuset.mems" output_is 1 run --cpuset-mems 1 localhost/vm-oci sh -c \
        "sed -n 's/^Mems_allowed_list:[[:space:]]*//p' /proc/self/status"
    check "memory of a node that is not there" is_refused cpuset.mems run --cpuset-mems 7 localhost/vm-oci true
    check "io.weight" shares_io
    check "a container is not born frozen" is_refused "invalid cgroup file name" run --cgroup-conf cgroup.freeze=1 \
        localhost/vm-oci true
    check "a name that is no file" is_refused memory.nothing run --cgroup-conf memory.nothing=1 localhost/vm-oci true
    # A default is no reason to move a user's processes about.
    [ "$who" = tester ] || check "podman's limit of processes" file_says pids.max 2048
    check "a limit of processes" file_says pids.max 77 --pids-limit 77
    # No such hardware is here to have a limit; that the kernel is asked shows in its answer.
    check "rdma" is_refused "rdma.max=mlx5_0 hca_handle=2" run --cgroup-conf "rdma.max=mlx5_0 hca_handle=2" \
        localhost/vm-oci true
    check "misc" is_refused "misc.max=sev 1" run --cgroup-conf "misc.max=sev 1" localhost/vm-oci true
    check "more memory than its limit: killed, and said why" is_killed_for_memory
    check "an ordinary SIGKILL is none of memory" is_killed_for_nothing
    check "an event of it" counts_ooms hungry
    check "rm" pod rm hungry shot
    check "5 processes: a shell starts 4" output_is 4 counts_processes 5
    check "200 processes: it starts 12" output_is 12 counts_processes 200
    check "a fifth of a processor" in_three_tries gets_a_fifth
    check "no limit: more" in_three_tries gets_more_without
    check "cpuset" output_is 1 run --cpuset-cpus 1 localhost/vm-oci sh -c \
        "sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status"
    check "cpuset of a processor that is not there" is_refused cpuset.cpus run --cpuset-cpus 7 localhost/vm-oci true
    check "io.max" is_held_back
    check "pause and unpause" freezes
    check "rm -f ends double forks" ends_double_forks private pod rm -f -t 1 forks
    check "the same in the host's pid namespace" ends_double_forks host pod rm -f -t 1 forks
    check "so does a stop that runs out of time" ends_double_forks host sh -c \
        "sh /test/as.sh $who /test/swiftpod stop -t 1 forks; [ \$(ps -o args | grep -c '^sleep 98') = 0 ] &&
        sh /test/as.sh $who /test/swiftpod rm forks"
    check "so does the end of the first process" ends_double_forks host sh -c \
        "sh /test/as.sh $who /test/swiftpod kill forks; sh /test/as.sh $who /test/swiftpod rm -f forks"
    check "update" updates
    check "inspect says who made it" output_is "cgroupfs private" pod inspect \
        --format '{{.HostConfig.CgroupManager}} {{.HostConfig.CgroupMode}}' changing
    check "exec is limited, too" output_is 33554432 pod exec changing cat /sys/fs/cgroup/memory.max
    check "and stands where the container does" output_is 0::/ pod exec changing cat /proc/self/cgroup
    check "an update that cannot hold changes nothing" updates_all_or_nothing
    check "stats" shows_what_the_files_say
    check "a stream of them" streams_stats
    check "as JSON" stats_as_json
    check "pressure" shows_pressure
    check "top" sh -c "sh /test/as.sh $who /test/swiftpod top changing pid args | grep -q '^1 *sleep 1000'"
    check "rm" pod rm -f -t 0 changing
    check "a killed supervisor leaves no cgroup" outlives_nothing
    check "a worker's own limit" output_is 33554432 worker --memory 32m localhost/vm-oci cat /sys/fs/cgroup/memory.max
    ooms=$(counts_ooms .)
    check "a worker out of memory dies whole" dies_whole
    check "an event of it, too" within $((ooms + 1)) $((ooms + 1)) "$(counts_ooms .)"
    check "--cgroups=disabled" output_is 0 sh -c "sh /test/as.sh $who /test/swiftpod run --rm --network=none \
        --cgroups=disabled --cgroupns=host localhost/vm-oci cat /proc/self/cgroup | grep -c swiftpod-.*- || true"
    check "and no limits with it" fails_with 125 run --cgroups=disabled --memory 64m localhost/vm-oci true
    check "--cgroups=split" file_says memory.max 67108864 --cgroups=split --memory 64m
    check "is below the caller's own" is_split
    check "--cgroups=no-conmon" file_says memory.max 67108864 --cgroups=no-conmon --memory 64m
    check "--cgroupns=host" output_is 1 sh -c "sh /test/as.sh $who /test/swiftpod run --rm --network=none --memory 64m \
        --cgroupns=host localhost/vm-oci cat /proc/self/cgroup | grep -c '^0::/.*swiftpod-'"
    if [ "$who" = root ]; then
        check "--cgroup-parent" output_is 1 sh -c "/test/swiftpod run --rm --network=none --cgroup-parent /a/b \
            --memory 64m --cgroupns=host localhost/vm-oci cat /proc/self/cgroup | grep -c '^0::/a/b/swiftpod-'"
        rmdir /sys/fs/cgroup/a/b /sys/fs/cgroup/a
        check "device filter" filters_devices
    else
        check "limits without delegation are refused, and what is advised gives them" advice_at_the_top
        check "the same in a cgroup that is root's" advice_further_down
        check "and ignored with a warning where podman ignores them" env OUTSIDE=1 sh /test/as.sh tester \
            /test/swiftpod --cgroup-manager=cgroupfs run --rm --network=none --memory 64m localhost/vm-oci true
        check "no limits need no delegation" env OUTSIDE=1 sh /test/as.sh tester \
            /test/swiftpod run --rm --network=none localhost/vm-oci true
    fi
    check "no cgroup is left" output_is "" groups
}
