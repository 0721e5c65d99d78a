#!/bin/bash
# initramfs.sh KERNEL-DIRECTORY FILE: makes the initramfs: busybox, the modules in the order in which they must be loaded,
# and a script that goes over to the disk.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
kernel=$1
output=$2
version=$(cat "$kernel/version")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/modules"
cp /bin/busybox "$work/bin/"
install -m 755 "$here/guest/initramfs-init" "$work/init"
for module in virtio_pci virtio_blk crc32c_generic ext4 overlay bfq; do
    # A module that is built in says so instead of naming a file.
    modprobe -d "$kernel" -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$work/modules/"
    basename "$file" >> "$work/modules/order"
done
(cd "$work" && find . | busybox cpio -o -H newc 2> /dev/null) > "$output"
