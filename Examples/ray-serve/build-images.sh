#!/bin/sh
# Makes localhost/serve-old and localhost/serve-new: Debian's Python, the Ray of PYTHON (the host's, python3 in PATH), and
# one version of `humanize` each. Needs debootstrap and pip, and no root where user namespaces may be used.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
suite=${SUITE:-bookworm}
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=""
# In a container of lxc's debootstrap makes no device nodes, which only root may.
[ "$(id -u)" = 0 ] || root="unshare --map-auto --map-root-user --mount -- env container=lxc"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
site=$("$python" -c 'import os, ray; print(os.path.dirname(os.path.dirname(ray.__file__)))')
$root debootstrap --variant=minbase --include="python$version,ca-certificates" "$suite" "$work/root" "$mirror" > "$work/log" || {
    tail -n 20 "$work/log" >&2
    exit 1
}
ln -sf "python$version" "$work/root/usr/bin/python"
packages=$work/root/usr/lib/python3/dist-packages
cp -a "$site/." "$packages/"
cp "$here/version_app.py" "$packages/"
for image in old:4.8.0 new:4.12.3; do
    rm -rf "$packages/humanize" "$packages"/humanize-*
    "$python" -m pip install -q --no-deps --target "$packages" "humanize==${image#*:}"
    $root tar --numeric-owner -C "$work/root" --exclude=./dev/* -cf "$work/root.tar" .
    swiftpod import -c "ENV PATH=/usr/local/bin:/usr/bin:/bin" "$work/root.tar" "localhost/serve-${image%%:*}:latest"
done
