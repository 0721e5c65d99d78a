#!/bin/sh
# prepare.sh DIRECTORY: what the end-to-end test of Ray needs beside the binary, made once: a Python environment with Ray
# from PyPI, and one root file system for two images with the same Ray and other versions of one package. As root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
place=$1
ray=2.60.0
python=/usr/bin/python3.11
mkdir -p "$place"
chmod 755 "$place"
cd "$place"
need=""
for package in python3.11-venv debootstrap passt uidmap; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || need="$need $package"
done
# shellcheck disable=SC2086
[ -z "$need" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $need >/dev/null

# What comes by a network may come at the second try.
again() {
    "$@" || { sleep 10; "$@"; } || { sleep 60; "$@"; }
}

if ! venv/bin/python -c "import ray; assert ray.__version__ == '$ray'" 2>/dev/null; then
    rm -rf venv
    $python -m venv venv
    again venv/bin/pip install -q --retries 10 --timeout 60 "ray[serve]==$ray"
fi
site=venv/lib/python3.11/site-packages
if [ ! -e rootfs/complete ]; then
    [ -x rootfs/usr/bin/python3.11 ] ||
        again debootstrap --variant=minbase --include=python3,libgcc-s1,ca-certificates bookworm rootfs >/dev/null
    rm -rf rootfs/var/cache/apt/* rootfs/var/lib/apt/lists/* rootfs/usr/share/doc rootfs/usr/share/man \
        rootfs/usr/share/locale
    # Ray calls it so.
    ln -sf python3 rootfs/usr/bin/python
    # The same Python, the same Ray, the same of everything that it needs.
    mkdir -p rootfs/usr/local/lib/python3.11/dist-packages rootfs/app
    tar -C "$site" --exclude=./pip --exclude='./pip-*' --exclude=./setuptools --exclude='./setuptools-*' \
        --exclude=./ray/jars --exclude=./ray/cpp --exclude=./ray/rllib --exclude=./ray/tune -cf - . |
        tar -C rootfs/usr/local/lib/python3.11/dist-packages --no-same-owner -xf -
    : > rootfs/complete
fi
install -m 644 "$here/app/ray_app.py" rootfs/app/ray_app.py
for image in a:4.8.0 b:4.12.3; do
    name=${image%%:*}
    [ -d "extra-$name" ] || again venv/bin/pip install -q --no-deps --upgrade --target "extra-$name.new" "humanize==${image#*:}"
    [ -d "extra-$name" ] || mv "extra-$name.new" "extra-$name"
done
