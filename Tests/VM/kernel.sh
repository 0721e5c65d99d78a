#!/bin/bash
# kernel.sh DIRECTORY: puts Debian's cloud kernel there as `vmlinuz`, with its modules below `lib/modules`. The package
# is downloaded by apt, which checks its signature, and unpacked; nothing is installed.
set -euo pipefail
mkdir -p "$1"
directory=$(readlink -f "$1")
[ ! -e "$directory/version" ] || exit 0

# Debian 12's, wherever this runs: 6.1 is what the fallback is tested with.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
download() {
    package=$(apt-cache depends linux-image-cloud-amd64 2> /dev/null |
        awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
    [ -n "$package" ] && (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$package")
}
# Lists that are missing, or older than what the mirror has.
download || { apt-get update -qq && download; } || { echo "kernel.sh: no linux-image-cloud-amd64 from apt" >&2; exit 1; }
(cd "$work" && dpkg-deb -x ./*.deb unpacked)
version=${package#linux-image-}
depmod -b "$work/unpacked" "$version"
rm -rf "$directory/lib"
mkdir -p "$directory/lib"
mv "$work/unpacked/lib/modules" "$directory/lib/modules"
mv "$work/unpacked/boot/vmlinuz-$version" "$directory/vmlinuz"
# Last, so that an interrupted run starts over.
echo "$version" > "$directory/version"
