# Sourced by the tests of the guests: workers under limits, as Ray calls for them and as the library does.

pids_of() { /test/busybox ps -o pid,args | sed -n "s/^ *\([0-9]*\) sleep $1\$/\1/p"; }

is_there() { [ -n "$(pids_of "$1")" ]; }

files_of_sleep() { # SECONDS VALUES FILE...
    pid=$(pids_of "$1") values=$2
    shift 2
    output_is "$values" sh -c "cd /sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup") && echo \$(cat $*)"
}

# Ray's own line, with what a user wrote into run_options of his runtime environment.
ray_worker() { # SCRIPT OPTION...
    script=$1
    shift
    as /run/names/podman run -v /tmp/ray:/tmp/ray --cgroup-manager=cgroupfs --network=host --pid=host --ipc=host \
        --userns=keep-id --env RAY_JOB_ID=01000000 "$@" --entrypoint sh localhost/vm-oci -c "$script"
}

ray_options_limit() {
    mkdir -p /tmp/ray /run/names && chmod 1777 /tmp/ray && ln -sf /test/swiftpod /run/names/podman || return
    # In the host's network /sys is the host's, and shows its whole hierarchy: where the worker stands is asked from outside.
    ray_worker 'sleep 988' --memory=48m --cpus=0.5 --pids-limit=77 --cpuset-cpus=0 & job=$!
    eventually is_there 988 || return
    files_of_sleep 988 "50331648 50000 100000 77 0 1" memory.max cpu.max pids.max cpuset.cpus memory.oom.group
    status=$?
    kill "$(pids_of 988)"
    wait $job
    return $status
}

ray_worker_dies_whole() {
    fails_with 137 ray_worker 'sleep 987 & tail /dev/zero; echo "it goes on"' --memory=32m --memory-swap=32m > /tmp/worker ||
        { cat /tmp/worker; return 1; }
    output_is "" cat /tmp/worker && eventually output_is "" pids_of 987
}

call() { # PATH [BODY]
    path=$1
    shift
    as curl -sS --unix-socket $socket "http://localhost/v1/$path" "$@"
}

launch_by_service() { # SCRIPT [LIMITS]: the worker's number
    call workers -d "{\"image\": \"localhost/vm-oci\", \"options\": {\"entrypoint\": [\"sh\"]$2},
        \"arguments\": [\"-c\", \"$1\"]}" |
        sed -n 's/.*"id": *\([0-9]*\).*/\1/p'
}

ends_by() { # WORKER PATTERN
    call "workers/$1/wait" -d '{"timeout_ms": 60000}' > /tmp/end
    grep -q "$2" /tmp/end || { cat /tmp/end; return 1; }
}

# A program that launches workers by the library, over its HTTP door: its limits are the kernel's, and it is told of one
# that ran out of memory, which is gone as a whole, and of one that was only killed.
launcher_is_told() {
    socket=/run/user/1000/service.sock
    [ "$who" = tester ] || socket=/run/service.sock
    pod service --socket $socket > /tmp/service 2>&1 & service=$!
    eventually [ -S $socket ] && launcher_tells
    status=$?
    [ $status = 0 ] || cat /tmp/service
    kill $(/test/busybox ps -o pid,args | sed -n 's/^ *\([0-9]*\) [^ ]*swiftpod service .*/\1/p')
    wait $service
    return $status
}

launcher_tells() {
    call events -N > /tmp/events & follows=$!
    worker=$(launch_by_service 'sleep 986 & tail /dev/zero' ', "memory": 33554432, "cpus": 1') &&
        ends_by "$worker" '"out_of_memory": *true' && eventually output_is "" pids_of 986 &&
        eventually grep -q '"ended".*"out_of_memory": *true' /tmp/events || return
    kill $follows
    worker=$(launch_by_service 'kill -9 $$' ', "memory": 33554432') && ends_by "$worker" '"signal": *9' &&
        ! grep -q out_of_memory /tmp/end || return
    worker=$(launch_by_service 'sleep 989' ', "memory": 33554432, "cpus": 0.5') && eventually is_there 989 &&
        files_of_sleep 989 "33554432 50000 100000 1" memory.max cpu.max memory.oom.group || return
    call "workers/$worker/signal" -d '{"signal": 15}' && ends_by "$worker" '"signal": *15'
}

workers() {
    check "a Ray worker's run_options are its limits" ray_options_limit
    check "one out of memory dies whole" ray_worker_dies_whole
    check "a launcher is told why a worker died" launcher_is_told
}
