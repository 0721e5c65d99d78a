#!/bin/sh
# login.sh USER COMMAND [ARGUMENT...]: runs a command as one of the Debian guest's users. The session of one that logs in
# is a scope that is root's; what is his own stands below his manager.
user=$1
shift
[ "$user" != root ] || exec "$@"
# su takes one string for its shell.
line=
for word; do line="$line '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
exec su -l "$user" -c "export XDG_RUNTIME_DIR=/run/user/1000; exec$line"
