#!/bin/bash
# weakened.sh DIRECTORY: shows that every test of EscapeTests can fail. Takes one defence after the other out of the
# sources by the patches beside this script, builds them, and runs the tests against the result: each of them has to fail.
# Needs root: the patched files, and a build directory of this script's own, are mounted over the originals where nobody
# else sees them, so that paths stay and what is built already is not built again. DIRECTORY holds both and is kept for
# the next time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
place=$(mkdir -p "${1:?usage: weakened.sh DIRECTORY}" && cd "$1" && pwd)
[ -n "${SWIFTPOD_WEAKENED:-}" ] || SWIFTPOD_WEAKENED=1 exec unshare --mount --propagation private "$0" "$place"

[ -d "$place/build" ] || cp -a "$root/.build" "$place/build" 2> /dev/null || mkdir -p "$place/build"
mkdir -p "$root/.build"
mount --bind "$place/build" "$root/.build"
rm -rf "$place/sources"
mkdir "$place/sources"
sed -nE 's|^--- a/||p' "$here"/*.patch | sort -u > "$place/patched"
(cd "$root" && xargs -a "$place/patched" cp --parents -t "$place/sources")
for patch in "$here"/*.patch; do
    patch --directory="$place/sources" --strip=1 --quiet --no-backup-if-mismatch < "$patch" ||
        { echo "${patch##*/} does not apply any more" >&2; exit 1; }
done
while read -r file; do mount --bind "$place/sources/$file" "$root/$file"; done < "$place/patched"

cd "$root"
swift build --disable-default-traits --build-tests
log=$place/escapes.log
SWIFTPOD_BINARY=$root/.build/debug/swiftpod swift test --disable-default-traits --skip-build \
    --filter 'SystemTests\.EscapeTests' > "$log" 2>&1 || true
passed=$(grep -E '^✔ Test [A-Za-z0-9_]+\(' "$log" | grep -v 'Test run' || true)
failed=$(grep -cE '^✘ Test [A-Za-z0-9_]+\(.*failed after' "$log" || true)
if [ -n "$passed" ] || [ "$failed" -eq 0 ]; then
    echo "not seen failing on a weakened build:" >&2
    echo "$passed" >&2
    exit 1
fi
echo "$failed tests, all seen failing"
