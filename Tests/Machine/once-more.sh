#!/bin/bash
# once-more.sh COMMAND...: runs a command that runs tests of Swift Testing and, where some fail, those once more, by
# themselves, with `--filter` put behind the command. Fails when one fails twice, or when the command failed in another
# way than by its tests. A machine that others use, too, makes a test late now and then; a fault does not go away when it
# is looked at again. What failed first is said.
set -u -o pipefail
# Names are read from what is printed.
export NO_COLOR=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$@" 2>&1 | tee "$log" | grep -vE '^(◇|✔)'
status=${PIPESTATUS[0]}
[ "$status" = 0 ] && { grep -E '^✔ Test run with' "$log"; exit 0; }
# `✘ Test name(_:) failed after` or `✘ Test name(_:) with 2 test cases failed after`; nothing there: a crash, a timeout.
names=$(sed -nE 's/^✘ Test ([A-Za-z0-9_]+)\(.* failed after .*/\1/p' "$log" | sort -u | paste -sd '|')
if [ -z "$names" ] || ! grep -qE '^✘ Test run with [0-9]+ tests.* failed' "$log"; then
    echo "failed, and not by tests: status $status" >&2
    exit "$status"
fi
if [ "$(tr '|' '\n' <<<"$names" | wc -l)" -gt 8 ]; then
    echo "too many failed to be an accident: $names" >&2
    exit "$status"
fi
echo "--- once more: $names"
words=()
for word in "$@"; do
    # A filter there was is narrowed by the names alone: they are names of its tests.
    if [ "${last:-}" = --filter ]; then unset 'words[-1]'; else words+=("$word"); fi
    last=$word
done
"${words[@]}" --filter "/($names)\\(" 2>&1 | grep -vE '^(◇|✔ Test [^r])'
status=${PIPESTATUS[0]}
[ "$status" = 0 ] && echo "--- failed once and passed once more: $names"
exit "$status"
