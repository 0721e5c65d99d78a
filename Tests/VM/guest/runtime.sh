# Sourced by the tests of the guests: `linux.resources` of a bundle, in the words of the runtime specification.

runtime() { as /test/swiftpod oci $manager "$@"; }

# A bundle of the test's own busybox. A plain user's container has one id, his own.
make_bundle() { # NAMESPACES PROGRAM RESOURCES [CGROUPS-PATH]
    bundle=/tmp/bundle
    rm -rf $bundle
    mkdir -p $bundle/rootfs/bin $bundle/rootfs/proc $bundle/rootfs/sys $bundle/rootfs/dev
    cp /test/busybox $bundle/rootfs/bin/
    for applet in sh cat echo sleep setsid sed; do ln -s busybox $bundle/rootfs/bin/$applet; done
    ids=
    if [ "$who" != root ]; then
        map='[{"containerID": 0, "hostID": 1000, "size": 1}]'
        ids="\"uidMappings\": $map, \"gidMappings\": $map,"
        chown -R tester $bundle
    fi
    spaces=
    for space in mount cgroup ${ids:+user} $1; do spaces="$spaces${spaces:+,}{\"type\": \"$space\"}"; done
    cat > $bundle/config.json <<END
{"ociVersion": "1.2.0", "root": {"path": "rootfs"},
 "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"], "args": ["sh", "-c", "$2"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
  {"destination": "/sys", "type": "bind", "source": "/sys", "options": ["rbind", "ro"]},
  {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}],
 "linux": {$ids ${4:+\"cgroupsPath\": \"$4\",} "namespaces": [$spaces], "resources": {$3}}}
END
}

limits_of_a_bundle() {
    cat > /tmp/expected <<'END'
memory.max 67108864
memory.low 16777216
memory.swap.max 33554432
memory.high 50331648
cpu.weight 59
cpu.max 40000 80000
cpu.max.burst 20000
cpuset.cpus 0-1
cpuset.mems 1
pids.max 40
hugetlb.2MB.max 6291456
memory.oom.group 1
io.max 254:0 rbps=1048576 wbps=max riops=max wiops=300
END
    files=$(cut -d' ' -f1 /tmp/expected | tr '\n' ' ')
    make_bundle "pid ipc uts" "cd /sys/fs/cgroup; for f in $files; do echo \$f \$(cat \$f); done" '
"memory": {"limit": 67108864, "reservation": 16777216, "swap": 100663296},
"cpu": {"shares": 512, "quota": 40000, "period": 80000, "burst": 20000, "cpus": "0-1", "mems": "1"},
"pids": {"limit": 40}, "hugepageLimits": [{"pageSize": "2MB", "limit": 6291456}],
"blockIO": {"throttleReadBpsDevice": [{"major": 254, "minor": 0, "rate": 1048576}],
 "throttleWriteIOPSDevice": [{"major": 254, "minor": 0, "rate": 300}]},
"unified": {"memory.high": "50331648", "memory.oom.group": "1"}' "$path"
    runtime run --bundle $bundle limited > /tmp/limits || return
    diff /tmp/expected /tmp/limits
}

idle_bundle() {
    make_bundle "pid" 'cat /sys/fs/cgroup/cpu.idle' '"cpu": {"idle": 1}' "$path"
    output_is 1 runtime run --bundle $bundle idle
}

# No such hardware is here to have a limit; that the kernel is asked shows in its answer.
bundle_is_refused() { # WORDS RESOURCES
    make_bundle "pid" 'echo ran' "$2" "$path"
    ! runtime run --bundle $bundle refused > /tmp/refusal 2>&1 && grep -q "$1" /tmp/refusal && ! grep -q '^ran' /tmp/refusal ||
        { cat /tmp/refusal; return 1; }
}

# In the host's pid namespace nothing but the cgroup holds them together.
kills_all() {
    make_bundle "ipc" '(setsid sleep 991 & setsid sleep 992 &); sleep 993' '"pids": {"limit": 30}' "$path"
    runtime run -d --bundle $bundle forks && eventually sleepers_are 3 && runtime kill --all forks KILL &&
        eventually sleepers_are 0 && runtime delete --force forks
}

sleepers_are() { [ "$(/test/busybox ps -o args | grep -c '^sleep 99[0-9]')" = "$1" ]; }

runtime_updates() {
    make_bundle "pid" 'sleep 994' '"memory": {"limit": 67108864}, "pids": {"limit": 30}' "$path"
    runtime run -d --bundle $bundle changing && runtime update --memory 50331648 --pids-limit 20 --cpu-quota 30000 \
        --cpu-period 100000 changing || return
    pid=$(runtime state changing | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
    output_is "50331648 20 30000 100000" sh -c "cd $group; echo \$(cat memory.max pids.max cpu.max)" &&
        ! echo '{"memory": {"limit": 4096, "checkBeforeUpdate": true}}' | runtime update --resources - changing &&
        output_is 50331648 cat "$group/memory.max" &&
        runtime events --stats changing | grep -q '"limit": *50331648'
    status=$?
    runtime delete --force changing && [ ! -e "$group" ] && return $status
}

bundles() { # [MANAGER'S OPTION] [CGROUPS-PATH]
    manager=$1 path=$2
    check "a bundle's resources, all of them" limits_of_a_bundle
    check "its cpu.idle" idle_bundle
    check "rdma that is not there" bundle_is_refused rdma.max '"rdma": {"mlx5_0": {"hcaHandles": 3}}'
    check "network classes, which are v1's" bundle_is_refused "network" '"network": {"classID": 7}'
    check "kill --all ends double forks" kills_all
    check "update, and one that would kill" runtime_updates
}
