#!/bin/sh
# as.sh USER COMMAND [ARGUMENT...]: runs a command as one of the guest's users, with what a login would give it: a cgroup
# below a subtree that is the user's. With OUTSIDE set it runs where nothing is his.
user=$1
shift
[ "$user" != root ] || exec "$@"
slice=/sys/fs/cgroup/user.slice/$user
if [ -z "$OUTSIDE" ]; then
    session=$slice/session-$$
    mkdir "$session"
    chown "$user" "$session" "$session/cgroup.procs" "$session/cgroup.subtree_control" "$session/cgroup.threads"
    echo $$ > "$session/cgroup.procs"
fi
# su takes one string for its shell.
line=
for word; do line="$line '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
su "$user" -c "cd; export XDG_RUNTIME_DIR=/run/user/1000; exec$line"
status=$?
if [ -z "$OUTSIDE" ]; then
    # A logout; what runs on keeps its place.
    echo $$ > /sys/fs/cgroup/cgroup.procs
    rmdir "$session/swiftpod-supervisor" "$session" 2> /dev/null
fi
exit $status
