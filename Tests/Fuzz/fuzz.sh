#!/bin/sh
# fuzz.sh [SECONDS [TARGET...]]: builds the fuzz targets and runs each for that long (60 seconds), from seeds made on the
# spot and from whatever earlier runs found worth keeping. An input that breaks something is left in .build/found and
# makes the exit status 1.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- FuzzReference FuzzDocuments FuzzRuntime FuzzTar

export SWIFTPOD_FUZZ=1
# Our handler for crashes would hide them from libFuzzer.
export SWIFT_BACKTRACE=enable=no
swift build -c release -Xswiftc -sanitize=fuzzer,address
programs=$(swift build -c release -Xswiftc -sanitize=fuzzer,address --show-bin-path)

corpus=.build/corpus
found=.build/found
mkdir -p "$found" "$corpus/FuzzReference" "$corpus/FuzzDocuments" "$corpus/FuzzRuntime" "$corpus/FuzzTar"
cp seeds/references/* "$corpus/FuzzReference/"
cp seeds/documents/* "$corpus/FuzzDocuments/"
cp seeds/documents/runtime.json "$corpus/FuzzRuntime/"
./tar-seeds.sh "$corpus/FuzzTar"

status=0
for target in "$@"; do
    echo "== $target, $seconds seconds"
    longest=4096
    [ "$target" != FuzzTar ] || longest=16384
    dictionary=
    [ ! -e "seeds/$target.dict" ] || dictionary="-dict=seeds/$target.dict"
    # 25 seconds for one input is a hang: all that we read is read in one pass.
    "$programs/$target" -max_total_time="$seconds" -max_len=$longest -timeout=25 -rss_limit_mb=2048 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="$found/$target-" $dictionary "$corpus/$target" || status=1
done
exit $status
