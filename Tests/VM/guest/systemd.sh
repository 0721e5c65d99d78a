# Runs swiftpod in a guest with systemd, as root and as a user whose manager runs: what systemd is asked for, what it
# makes of it, and that it keeps its hands off it. The exit status is the number of checks that failed.
for part in checks workers runtime delegation; do . /test/$part.sh; done

as() { sh /test/login.sh "$who" "$@"; }
pod() { as /test/swiftpod "$@"; }

# The manager that $who's containers are made by.
manager() {
    if [ "$who" = root ]; then systemctl "$@"; else as systemctl --user "$@"; fi
}

unit_of() { basename "$(group_of "$1")"; }

scopes() { manager list-units --all --plain --no-legend 'swiftpod-*'; }

property_is() { # NAME PROPERTY VALUE
    output_is "$3" manager show -P "$2" "$(unit_of "$1")"
}

starts_in_a_scope() {
    pod run -d --name scoped --network=none --memory 64m --cpus 0.5 --pids-limit 50 --cpu-shares 512 --cpuset-cpus 0 \
        --device-write-bps /dev/vda:4mb --blkio-weight 500 "$@" localhost/vm-oci sleep 1000 || return
    group=$(group_of scoped)
    case $group in
        $slice/swiftpod-*.scope) ;;
        *) echo "$group"; return 1 ;;
    esac
}

# Those that systemd knows of, and one that it does not.
limits_are() { # MEMORY CPU PIDS
    group=$(group_of scoped)
    output_is "$1" cat "$group/memory.max" && output_is "$2" cat "$group/cpu.max" && output_is "$3" cat "$group/pids.max" &&
        output_is 59 cat "$group/cpu.weight" && output_is 0 cat "$group/cpuset.cpus" &&
        output_is "254:0 rbps=max wbps=4194304 riops=max wiops=max" cat "$group/io.max" &&
        output_is "default 4950" cat "$group/io.weight" && output_is 268435456 cat "$group/memory.high"
}

reloads() { systemctl daemon-reload && { [ "$who" = root ] || manager daemon-reload; }; }

is_killed_for_memory() {
    pod run --name hungry --network=none --memory 32m --memory-swap 32m localhost/vm-oci tail /dev/zero
    [ $? -eq 137 ] && output_is true pod inspect --format '{{.State.OOMKilled}}' hungry && pod rm hungry
}

# At its limit for some seconds before, with memory that can be reclaimed: the counters change all the time, and go with the
# scope that systemd removes.
is_killed_after_thrashing() {
    pod run -d --name thrash --network=none --memory 32m --memory-swap 32m localhost/vm-oci sh -c '
        for n in 1 2 3 4 5 6 7 8 9 10; do dd if=/dev/zero of=/file bs=1M count=60 2> /dev/null; done
        sed -n "s/^max //p" /sys/fs/cgroup/memory.events
        exec tail /dev/zero' > /dev/null || return
    output_is 137 pod wait thrash && output_is true pod inspect --format '{{.State.OOMKilled}}' thrash &&
        within 100 1000000 "$(pod logs thrash)" && pod rm thrash
}

# systemd has device rules of its own, none here, and must leave ours at a reload. The disk is nothing that a container has.
filters_devices() {
    pod run -d --name filtered --network=none --memory 64m --cap-add mknod "$@" localhost/vm-oci sleep 1000 > /dev/null &&
        pod exec filtered mknod /node b 254 0 && reloads && pod exec filtered sh -c ': < /node'
    status=$?
    pod rm -f -t 0 filtered > /dev/null
    return $status
}

loses_its_supervisor() {
    pod run -d --name lost --network=none --memory 64m localhost/vm-oci sleep 1000 || return
    supervisor=$(pod inspect --format '{{.State.ConmonPid}}' lost)
    kill -9 "$supervisor"
    eventually [ ! -e "/proc/$supervisor/exe" ] && pod rm -f lost && eventually output_is "" scopes
}

worker() { pod run --pid=host --ipc=host --network=none "$@"; }

worker_dies_whole() {
    fails_with 137 worker --memory 32m --memory-swap 32m localhost/vm-oci \
        sh -c 'sleep 984 & tail /dev/zero; echo "it goes on"' > /tmp/worker || { cat /tmp/worker; return 1; }
    output_is "" cat /tmp/worker && eventually output_is "" pids_of 984
}

keeps_its_group_over_a_reload() {
    worker --memory 32m localhost/vm-oci sleep 985 & job=$!
    eventually is_there 985 && reloads || return
    pid=$(pids_of 985)
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
    output_is 33554432 cat "$group/memory.max" && output_is 1 cat "$group/memory.oom.group"
    status=$?
    kill "$pid"
    wait $job
    return $status
}

bundle_keeps_its_limits() {
    make_bundle "pid" 'sleep 994' '"memory": {"limit": 67108864}, "pids": {"limit": 30},
"cpu": {"quota": 30000, "period": 100000}' "$path"
    runtime run -d --bundle $bundle kept && reloads || return
    pid=$(runtime state kept | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
    case $group in */swiftpod-test.scope) ;; *) echo "$group"; false ;; esac &&
        output_is "67108864 30 30000 100000" sh -c "cd $group; echo \$(cat memory.max pids.max cpu.max)" &&
        runtime update --memory 50331648 kept && reloads && output_is 50331648 cat "$group/memory.max"
    status=$?
    runtime delete --force kept && return $status
}

managed() {
    check "load" pod load -q -i /test/oci.tar
    check "info" output_is systemd pod info --format '{{.host.cgroupManager}}'
    check "info names the controllers" sh -c "sh /test/login.sh $who /test/swiftpod info --format '{{.host.cgroupControllers}}' |
        grep 'cpuset.*memory'"
    check "a container with limits is in a scope" starts_in_a_scope --cgroup-conf memory.high=268435456
    check "its limits" limits_are 67108864 "50000 100000" 50
    check "as systemd knows them" property_is scoped MemoryMax 67108864
    check "daemon-reload" reloads
    check "its limits are as they were" limits_are 67108864 "50000 100000" 50
    check "inspect says who made it" output_is "systemd private" pod inspect \
        --format '{{.HostConfig.CgroupManager}} {{.HostConfig.CgroupMode}}' scoped
    check "update" pod update --memory 48m --cpus 0.25 --pids-limit 60 scoped
    check "its new limits" limits_are 50331648 "25000 100000" 60
    check "as systemd knows them" property_is scoped MemoryMax 50331648
    check "daemon-reload" reloads
    check "its new limits are as they were" limits_are 50331648 "25000 100000" 60
    check "exec" output_is 50331648 pod exec scoped cat /sys/fs/cgroup/memory.max
    check "pause" pod pause scoped
    check "a reload leaves it paused" reloads
    check "it is" output_is paused pod inspect --format '{{.State.Status}}' scoped
    check "unpause" pod unpause scoped
    check "stop" pod stop -t 0 scoped
    check "start" pod start scoped
    check "its new limits hold again" limits_are 50331648 "25000 100000" 60
    check "rm -f" pod rm -f -t 0 scoped
    check "no scope is left" eventually output_is "" scopes
    check "asked for without limits" output_is 1 sh -c "sh /test/login.sh $who /test/swiftpod --cgroup-manager=systemd run --rm \
        --network=none --cgroupns=host localhost/vm-oci cat /proc/self/cgroup | grep -c '/swiftpod-.*\.scope$'"
    check "a slice of one's own" output_is 1 sh -c "sh /test/login.sh $who /test/swiftpod run --rm --network=none --memory 64m \
        --cgroup-parent=test.slice --cgroupns=host localhost/vm-oci cat /proc/self/cgroup | grep -c '/test\.slice/swiftpod-'"
    check "more memory than its limit: killed, and said why" is_killed_for_memory
    check "the same after a while at its limit" is_killed_after_thrashing
    check "a killed supervisor leaves no scope" loses_its_supervisor
    if [ "$who" = root ]; then
        check "devices are filtered" fails_with 1 filters_devices
        check "and allowed by a rule" filters_devices --device-cgroup-rule 'b 254:0 rwm'
    fi
    check "a worker's own limit" output_is 33554432 worker --memory 32m localhost/vm-oci cat /sys/fs/cgroup/memory.max
    check "a worker out of memory dies whole" worker_dies_whole
    check "a reload leaves a worker's limit and group" keeps_its_group_over_a_reload
    workers
    [ "$who" = root ] ||
        check "controllers that systemd does not know: what is advised delegates them" advice_of_foreign_controllers
    bundles --systemd-cgroup "$bundle_slice:swiftpod:test"
    check "a reload leaves a bundle's limits" bundle_keeps_its_limits
    check "no scope is left" eventually output_is "" scopes
}

# Files alone, below what a manager has delegated. Whatever systemd does not know of it leaves.
unmanaged() {
    if [ "$who" = tester ]; then
        check "cgroupfs in a session, which is root's: by systemd, and said so" sh -c "
            [ \"\$(sh /test/login.sh tester /test/swiftpod --cgroup-manager=cgroupfs run --rm --network=none --memory 64m \
                localhost/vm-oci cat /sys/fs/cgroup/memory.max 2> /tmp/warning)\" = 67108864 ] &&
            grep -q 'falling back to systemd' /tmp/warning"
        check "without a bus to systemd: a warning and no limit" sh -c "
            [ \"\$(sh /test/login.sh tester env DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere /test/swiftpod \
                --cgroup-manager=cgroupfs run --rm --network=none --memory 64m \
                localhost/vm-oci sh -c 'cat /sys/fs/cgroup/memory.max || echo none' 2> /tmp/warning)\" != 67108864 ] &&
            grep -q 'limits are ignored' /tmp/warning"
        check "cgroupfs in a delegated scope" output_is 67108864 as systemd-run --user --scope -q -p Delegate=yes \
            /test/swiftpod --cgroup-manager=cgroupfs run --rm --network=none --memory 64m localhost/vm-oci \
            cat /sys/fs/cgroup/memory.max
        check "--cgroups=split in one" output_is 67108864 as systemd-run --user --scope -q -p Delegate=yes /test/swiftpod \
            run --rm --network=none --cgroups=split --memory 64m localhost/vm-oci cat /sys/fs/cgroup/memory.max
        check "a container in it" as systemd-run --user --scope -q -p Delegate=yes /test/swiftpod \
            --cgroup-manager=cgroupfs run -d --name filed --network=none --memory 64m --cpus 0.5 localhost/vm-oci sleep 1000
    else
        check "cgroupfs" pod --cgroup-manager=cgroupfs run -d --name filed --network=none --memory 64m --cpus 0.5 \
            localhost/vm-oci sleep 1000
    fi
    check "daemon-reload" reloads
    check "its memory.max is as it was" output_is 67108864 cat "$(group_of filed)/memory.max"
    check "its cpu.max, too" output_is "50000 100000" cat "$(group_of filed)/cpu.max"
    check "rm -f" pod rm -f -t 0 filed
}

echo "up after $(cut -d' ' -f1 /proc/uptime) s: $(uname -r), $(systemctl --version | head -n 1)"
for who in root tester; do
    slice=/sys/fs/cgroup/machine.slice
    bundle_slice=machine.slice
    [ "$who" = root ] || {
        slice=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/user.slice
        bundle_slice=user.slice
    }
    managed
    unmanaged
done
check "a controller that is not delegated: what is advised delegates it" advice_with_systemd
echo "$passed passed, $failed failed, after $(cut -d' ' -f1 /proc/uptime) s"
exit $failed
