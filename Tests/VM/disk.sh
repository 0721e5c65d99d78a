#!/bin/bash
# disk.sh OUTPUT-DIRECTORY FILE...: makes `disk`, an ext4 image with busybox, the id mapping helpers, curl, a user `tester` with
# subordinate ids, and the files in /test, where one must be called `run`.
# Must be root: the image has files of several owners.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
output=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

disk=$work/disk
mkdir -p "$disk"/{bin,sbin,usr/bin,etc,proc,sys,dev,run,tmp,root,home/tester,test,lib,lib64}
chmod 755 "$disk"
cp /bin/busybox "$disk/bin/"
for applet in $(busybox --list); do
    [ "$applet" = busybox ] || ln -s /bin/busybox "$disk/bin/$applet"
done
install -m 755 "$here/guest/init" "$disk/sbin/init"
for helper in newuidmap newgidmap curl; do
    cp -a "$(readlink -f "$(command -v $helper)")" "$disk/usr/bin/$helper"
    ldd "$(command -v $helper)" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$disk$(dirname "$library")"
        cp -L "$library" "$disk$library"
    done
done
printf 'root:x:0:0::/root:/bin/sh\ntester:x:1000:1000::/home/tester:/bin/sh\n' > "$disk/etc/passwd"
printf 'root:x:0:\ntester:x:1000:\n' > "$disk/etc/group"
printf 'tester:100000:65536\n' | tee "$disk/etc/subuid" > "$disk/etc/subgid"
chown 1000:1000 "$disk/home/tester"
chmod 700 "$disk/home/tester"
cp -L "$@" "$disk/test/"
rm -f "$output/disk"
truncate -s 1G "$output/disk"
mke2fs -q -t ext4 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -d "$disk" "$output/disk"
