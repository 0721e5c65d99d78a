import Foundation
import Testing

/// File trees as a container sees them, entry by entry, against what umoci unpacks from the same image.
@Suite(.needs(.root), .needs(.program("umoci"))) struct TreeTests {
    /// Files that a runtime puts there itself, and where it mounts.
    static let generated = [
        "proc", "sys", "dev", "run/.containerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab",
        "run/secrets",
    ]

    /// podman shows a whiteout beside an opaque marker, and takes no hard link over layers.
    static let images = ["torture", "devices", "configured"] + (Machine.isPodman ? [] : ["many", "crossing"])

    @Test(arguments: Account.all, images)
    func sameAsUmoci(_ account: Account, _ image: String) throws {
        try Pod.with(account, image) { pod in
            try Self.compare(pod, archive: pod.archive(image), name: "localhost/\(image):latest", options: [])
        }
    }

    /// podman leaves file capabilities to the wrong root.
    @Test(.needs(.swiftpod), arguments: ["torture", "devices"]) func sameForAnotherMapping(_ image: String) throws {
        try Pod.with(.unprivileged, image) { pod in
            try Self.compare(
                pod, archive: pod.archive(image), name: "localhost/\(image):latest",
                options: ["--userns=keep-id", "--user=0"])
        }
    }

    /// The last entry of a name counts.
    @Test(.needs(.swiftpod), arguments: Account.all) func namesTwiceInOneLayer(_ account: Account) throws {
        try Pod.with(account, "duplicates") { pod in
            let output = pod(
                "run", "--rm", "--network=none", "localhost/duplicates:latest", "sh", "-c",
                "cat /t/twice; stat -c %a /t/twice; cat /t/kind/inside; cat /t/link; cat /t/linked")
            #expect(output.text == "second\n755\nx\none\ntwo", "\(output)")
        }
    }

    @Test(.needs(.swiftpod), arguments: Account.all) func sparseFiles(_ account: Account) throws {
        try Pod.with(account, "none") { pod in
            let before = pod.storeSize()
            try pod.load(["sparse"])
            for name in ["sparsegnu", "sparsepax"] {
                let output = pod(
                    "run", "--rm", "--network=none", "localhost/sparse:latest", "sh", "-c",
                    "stat -c %s /\(name); head -c 5 /\(name); tail -c +536870913 /\(name) | head -c 6; tail -c 3 /\(name) | od -An -tx1"
                )
                #expect(output.text == "1073741824\nstartmiddle 00 00 00", "\(output)")
            }
            if !Machine.isPodman {
                #expect(pod.storeSize() - before < 20 << 20, "holes take no room: \(pod.storeSize() - before)")
            }
        }
    }

    /// Another mapping costs no copy of the data.
    @Test(.needs(.swiftpod)) func keepIDCopiesNothing() throws {
        try Pod.with(.unprivileged, "large") { pod in
            #expect(pod("run", "--rm", "--network=none", "localhost/large:latest", "true").ok)
            let before = pod.storeSize()
            let run = pod(
                "run", "--rm", "--network=none", "--userns=keep-id", "localhost/large:latest", "sh", "-c",
                "cat /large/* | wc -c")
            #expect(run.ok, "\(run)")
            let grown = pod.storeSize() - before
            #expect(grown < 8 << 20, "24 MiB of data, and the disk holds \(grown) bytes more")
        }
    }

    static func compare(_ pod: Pod, archive: String, name: String, options: [String]) throws {
        let unpacked = try reference(archive)
        let script = "touch /dev/shm/up; while :; do sleep 1; done"
        let started = pod(
            ["run", "-d", "--network=none", "--entrypoint=", "--user=0"] + options + [name, "/bin/sh", "-c", script])
        guard started.ok else { throw Failure("\(started)") }
        let pid = pod.hostPID(started.text)
        let skip = generated.flatMap { ["--skip", $0] }
        let tree = Machine.images + "/tree.py"
        let inside = Machine.listing(
            ["python3", tree, "/proc/\(pid)/root", "--pid", "\(pid)", "--user-namespace", "\(pid)"] + skip)
        let expected = Machine.listing(["python3", tree, unpacked + "/rootfs"] + skip)
        guard !inside.isEmpty, !expected.isEmpty else {
            throw Failure("nothing to compare: \(inside.count), \(expected.count)")
        }
        var differences = 0
        let rootless = !pod.account.isRoot
        for path in Set(inside.keys).union(expected.keys).sorted() {
            guard differences < 20 else { break }
            guard let there = expected[path] else {
                // Where the runtime mounts something it may have made the place for it.
                if path.hasPrefix("run") || path.hasPrefix("vol") { continue }
                differences += 1
                Issue.record("not in the image: \(inside[path] ?? path)")
                continue
            }
            guard let here = inside[path] else {
                if rootless && (there.contains("\"type\": \"character\"") || there.contains("\"type\": \"block\"")) {
                    continue
                }
                if path == "vol" || path.hasPrefix("vol/") { continue }
                differences += 1
                Issue.record("missing in the container: \(there)")
                continue
            }
            // keep-id adds the user.
            if path == "etc/passwd" || path == "etc/group", !options.isEmpty { continue }
            if path == "run" || path == "etc" { continue }
            if here != there {
                differences += 1
                Issue.record("here  \(here)\nthere \(there)")
            }
        }
        #expect(pod("rm", "-f", "-t", "0", started.text).ok)
    }

    private static let lock = NSLock()
    nonisolated(unsafe) private static var unpacked: [String: String] = [:]

    /// The image as umoci unpacks it; done once.
    static func reference(_ archive: String) throws -> String {
        lock.lock()
        defer { lock.unlock() }
        if let known = unpacked[archive] { return known }
        let base = Machine.scratch + "/umoci-\(unpacked.count)"
        let copied = Machine.tool("skopeo", "copy", "-q", "oci-archive:" + archive, "oci:\(base).oci:x", seconds: 300)
        let done = Machine.tool("umoci", "unpack", "--image", base + ".oci:x", base, seconds: 300)
        guard copied.ok, done.ok else { throw Failure("\(copied)\n\(done)") }
        unpacked[archive] = base
        return base
    }
}

extension Machine {
    /// Lines of `tree.py` by path.
    static func listing(_ words: [String]) -> [String: String] {
        var command = Command(words: words, environment: ["PATH": path, "LC_ALL": "C.UTF-8"])
        command.seconds = 300
        let output = command.run()
        if !output.ok { Issue.record("\(output.err)") }
        var result: [String: String] = [:]
        for line in output.lines {
            guard let start = line.range(of: "\"path\": \"") else { continue }
            let rest = line[start.upperBound...]
            guard let end = rest.range(of: "\", \"") ?? rest.range(of: "\"}") else { continue }
            result[String(rest[..<end.lowerBound])] = line
        }
        return result
    }
}
