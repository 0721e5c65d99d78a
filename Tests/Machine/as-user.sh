#!/bin/sh
# as-user.sh PROGRAM [WORD]...: runs a program as an unprivileged user: the caller, or, called by root, the user that
# prepare.sh made. The program is copied to where that user can run it.
set -eu
if [ "$(id -u)" != 0 ]; then exec "$@"; fi
user=swiftpodtest
program=$1
shift
place=$(mktemp -d /var/tmp/swiftpod-as-user.XXXXXX)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"
install -m 755 "$program" "$place/${program##*/}"
# Tests start the binary that was built beside them.
beside=$(dirname "$program")/swiftpod
[ "$beside" = "$program" ] || [ ! -f "$beside" ] || install -m 755 "$beside" "$place/swiftpod"
cd /
env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$(getent passwd $user | cut -d: -f6)" USER=$user \
    TERM="${TERM:-dumb}" ${NO_COLOR:+NO_COLOR="$NO_COLOR"} LANG="${LANG:-C.UTF-8}" \
    setpriv --reuid $user --regid "$(id -g $user)" --init-groups -- "$place/${program##*/}" "$@"
