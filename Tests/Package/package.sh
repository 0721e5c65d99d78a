#!/bin/sh
# package.sh [DIRECTORY]: builds another package that depends on the library product by version, from a clone of this
# repository with a tag, and runs it. A target with unsafe flags among what it needs would be refused here, and nowhere else.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$(mktemp -d /var/tmp/swiftpod-package.XXXXXX)}
[ $# -gt 0 ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work"
rm -rf "$work/swiftpod"
git clone -q "$here/../.." "$work/swiftpod"
git -C "$work/swiftpod" tag -f 1.0.0 >/dev/null
mkdir -p "$work/user/Sources/user"
cat > "$work/user/Package.swift" <<END
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "user",
    dependencies: [.package(url: "file://$work/swiftpod", from: "1.0.0", traits: [])],
    targets: [.executableTarget(name: "user", dependencies: [.product(name: "SwiftPod", package: "swiftpod")])])
END
cp "$here/User.swift" "$work/user/Sources/user/User.swift"
# The clone's own cache is of no use to anybody else.
swift build --package-path "$work/user" --scratch-path "$work/build" --cache-path "$work/cache" \
    ${SWIFT_BUILD_FLAGS:-}
"$work/build/debug/user" "$work/data" "$work/run" > "$work/said" || { cat "$work/said"; exit 1; }
cat "$work/said"
grep -q '^a worker without an image: not found$' "$work/said"
echo "package: ok"
