#!/bin/sh
# tar-seeds.sh DIRECTORY: small archives in every dialect, with links, long names, attributes and holes.
set -eu
target=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p tree/sub
echo content > tree/file
ln tree/file tree/hard
ln -s ../file tree/sub/soft
mkfifo tree/fifo
long=$(printf 'n%.0s' $(seq 120))
echo long > "tree/$long"
ln -s "$long$long" tree/longlink
truncate -s 200K tree/holes
printf x | dd of=tree/holes bs=1 seek=70000 conv=notrunc status=none
printf x | dd of=tree/holes bs=1 seek=150000 conv=notrunc status=none
setfattr -n user.name -v value tree/file 2> /dev/null || true
for format in v7 oldgnu gnu ustar pax; do
    tar --format=$format -cf "$target/seed-$format.tar" -C tree . 2> /dev/null || true
done
for version in 0.0 0.1 1.0; do
    tar --format=pax --sparse --sparse-version=$version -cf "$target/seed-sparse-$version.tar" -C tree holes
done
tar --format=gnu --sparse -cf "$target/seed-sparse-gnu.tar" -C tree holes
tar --format=pax --xattrs -cf "$target/seed-xattr.tar" -C tree file
tar --format=pax --pax-option=globexthdr.name=g,comment=global -cf "$target/seed-global.tar" -C tree file hard
# Without the zeros that pad an archive to 10 KiB, a change is likelier to hit something.
for archive in "$target"/seed-*.tar; do
    head -c 6144 "$archive" > "$archive.short"
done
