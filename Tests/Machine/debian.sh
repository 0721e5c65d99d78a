#!/bin/sh
# debian.sh OUTPUT.tar: an image archive of Debian's smallest root file system, by debootstrap, with what makes a
# real distribution hard: setuid programs, file capabilities, hard links, many owners. Needs root and Debian's mirror.
set -eu
out=$1
here=$(cd "$(dirname "$0")" && pwd)
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)}
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
debootstrap --variant=minbase --include=libcap2-bin,iputils-ping,sudo,file bookworm "$work/root" "$mirror" > "$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    exit 1
}
# Package work inside the container must reach the same mirror and verify the same signatures.
echo "deb $mirror bookworm main" > "$work/root/etc/apt/sources.list"
rm -rf "$work/root/var/cache/apt/archives/"*.deb "$work/root/var/lib/apt/lists/"*
setcap cap_net_raw+ep "$work/root/bin/ping"
tar --xattrs --xattrs-include='*' --numeric-owner --sort=name --format=posix \
    --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime \
    -C "$work/root" --exclude=./dev/* -cf "$work/root.tar" .
python3 "$here/../Images/images.py" rootfs "$work/root.tar" localhost/debian:latest "$out"
