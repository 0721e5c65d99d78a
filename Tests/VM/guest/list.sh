#!/bin/sh
# Prints what stands below /tree, a line each: type, mode, owner, path, and content's digest or link's target.
cd /tree || exit 1
find . ! -name . | while read -r path; do
    kind=$(stat -c %F "$path")
    what=
    case $kind in
    "symbolic link") kind=symlink what=$(readlink "$path") ;;
    regular*) kind=regular what=$(sha256sum < "$path" | cut -d' ' -f1) ;;
    esac
    echo $kind $(stat -c '%a %u:%g' "$path") "$path" $what
done | sort
