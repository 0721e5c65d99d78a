#!/bin/sh
# unit.sh BUILD_DIRECTORY: the unit and integration tests of every module, as the caller and, called by root, once more
# as an unprivileged user. The system tests choose their users themselves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bundle=$(ls "$1"/*PackageTests.xctest)
limit="$here/once-more.sh timeout --kill-after=30 900"
$limit swift test -c release --skip-build --skip 'SystemTests\.'
[ "$(id -u)" = 0 ] || exit 0
echo "--- the same as an unprivileged user"
TMPDIR=/tmp; export TMPDIR
$limit "$here/as-user.sh" "$bundle" --testing-library swift-testing --skip 'SystemTests\.'
