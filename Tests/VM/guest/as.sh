#!/bin/sh
# as.sh USER COMMAND [ARGUMENT...]: runs a command as one of the guest's users, with what a login would give it.
user=$1
shift
[ "$user" != root ] || exec "$@"
# su takes one string for its shell.
line=
for word; do line="$line '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
exec su "$user" -c "cd; export XDG_RUNTIME_DIR=/run/user/1000; exec$line"
