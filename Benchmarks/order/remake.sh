#!/bin/sh
# remake.sh PROGRAM WORD...: writes start.order anew, from the start `PROGRAM WORD...`. PROGRAM still has its symbols
# (SWIFTPOD_SYMBOLS=1 swift build …) and starts as the caller would: an image is there, a keeper runs. Takes minutes.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -Wall -Wextra -o "$work/touched" "$here/touched.c"
program=$1
"$work/touched" "$work/list" "$@"
"$here/order.py" "$program" "$work/list" > "$work/order"
cat "$work/order" > "$here/start.order"
