# Sourced by the tests of the guests: what a check is, and what it can say. $who is whose turn it is; pod, which calls
# swiftpod as $who, is the sourcing script's.
passed=0 failed=0
check() { # NAME COMMAND...: the command must succeed
    name=$1
    shift
    # In a shell of its own: what ends that, such as reckoning with a number that is not there, is this check's failure alone.
    if ("$@") > /tmp/output 2>&1; then
        echo "ok: $who: $name"
        passed=$((passed + 1))
    else
        echo "FAILED: $who: $name ($?)"
        sed 's/^/    /' /tmp/output
        failed=$((failed + 1))
    fi
}

run() { pod run --rm --network=none "$@"; }

output_is() { # EXPECTED COMMAND...
    expected=$1
    shift
    got=$("$@") && [ "$got" = "$expected" ] || { echo "not \"$expected\" but \"$got\""; return 1; }
}

fails_with() { # STATUS COMMAND...
    expected=$1
    shift
    status=0
    "$@" || status=$?
    [ "$status" -eq "$expected" ] || { echo "exit status $status"; return 1; }
}

is_refused() { # TEXT COMMAND...: 125, and one line that says so
    text=$1
    shift
    status=0
    "$@" > /tmp/refusal 2>&1 || status=$?
    [ "$status" -eq 125 ] && grep -q "$text" /tmp/refusal || { echo "$status:"; cat /tmp/refusal; return 1; }
}

within() { # LEAST MOST NUMBER
    [ "$3" -ge "$1" ] && [ "$3" -le "$2" ] || { echo "$3 is not between $1 and $2"; return 1; }
}

# The emulated machine shares its processors with everybody: what has to happen happens late at times, and a measurement
# is spoilt at times. What is wrong stays wrong.
eventually() { # COMMAND...: within half a minute
    turn=0
    until "$@" > /tmp/attempt 2>&1; do
        turn=$((turn + 1))
        [ $turn -lt 100 ] || { cat /tmp/attempt; return 1; }
        sleep 0.3
    done
}

in_three_tries() { # COMMAND...
    "$@" || "$@" || "$@"
}

group_of() { # NAME: the container's directory
    pid=$(pod inspect --format '{{.State.Pid}}' "$1")
    echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")"
}

file_says() { # FILE TEXT OPTION...: in a container with these options
    file=$1 text=$2
    shift 2
    output_is "$text" run "$@" localhost/vm-oci cat "/sys/fs/cgroup/$file"
}
