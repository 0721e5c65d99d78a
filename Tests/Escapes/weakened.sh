#!/bin/bash
# weakened.sh DIRECTORY: shows that every test of EscapeTests can fail. Copies the sources (and what is built of them) to
# DIRECTORY, takes one defence after the other out of the copy by the patches beside this script, builds it, and runs the
# tests against it: each of them has to fail. Needs root. DIRECTORY is removed afterwards.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
copy=${1:?usage: weakened.sh DIRECTORY}
mkdir -p "$copy"
trap 'rm -rf "$copy"' EXIT
cp -a "$root/." "$copy"
for patch in "$here"/*.patch; do
    patch --directory="$copy" --strip=1 --quiet < "$patch"
done
cd "$copy"
swift build --disable-default-traits --build-tests
log=$copy/escapes.log
SWIFTPOD_BINARY=$copy/.build/debug/swiftpod swift test --disable-default-traits --skip-build \
    --filter 'SystemTests\.EscapeTests' > "$log" 2>&1 || true
passed=$(grep -E '^✔ Test [A-Za-z0-9_]+\(' "$log" | grep -v 'Test run' || true)
failed=$(grep -cE '^✘ Test [A-Za-z0-9_]+\(.*failed after' "$log" || true)
if [ -n "$passed" ] || [ "$failed" -eq 0 ]; then
    echo "not seen failing on a weakened build:" >&2
    echo "$passed" >&2
    exit 1
fi
echo "$failed tests, all seen failing"
