import Foundation
import Testing

/// A start that fails takes along all that it has made: at once, and not by the next command.
@Suite(.needs(.swiftpod)) struct FailedStartTests {
    enum Mode: String, CaseIterable {
        case worker, attached, detached

        var options: [String] {
            switch self {
            case .worker: ["--pid=host", "--network=host"]
            case .attached: ["--rm", "--network=none"]
            case .detached: ["--detach", "--rm", "--network=none"]
            }
        }
    }

    @Test(arguments: Account.all, Mode.allCases) func leavesNothing(account: Account, mode: Mode) throws {
        try Pod.with(account) { pod in
            pod.write("file", "not a program\n", mode: 0o755)
            pod.write("interpreted", "#!/no/such/interpreter\n", mode: 0o755)
            let file = "\(pod.files)/file"
            for (options, command) in [
                ([], ["/nothing"]), ([], ["nothing"]), ([], ["/etc"]), (["-v", "\(file):/file:ro"], ["/file/x"]),
                (["-v", "\(pod.files)/interpreted:/file"], ["/file"]), (["--user=1000"], ["/etc/passwd"]),
                (["-v", "\(file):/bin/sh/x"], ["true"]), (["-v", "\(pod.files):/etc/passwd"], ["true"]),
                (["--workdir=/etc/passwd"], ["true"]), (["--sysctl=kernel.nothing=1"], ["true"]),
                (["--memory=32m"], ["/nothing"]),
            ] as [([String], [String])] {
                let output = pod(["run"] + mode.options + options + [Pod.tiny] + command)
                let lines = output.errorLines.filter { !$0.hasPrefix("Warning: ") }
                #expect(output.code > 124 && output.code < 128 && lines.count == 1, "\(output)")
                #expect(
                    eventually(seconds: 5) { FailedStartTests.left(pod).isEmpty },
                    "\(FailedStartTests.left(pod)): \(output)")
            }
            // A start that does not fail ends its witness.
            #expect(pod(["run"] + mode.options + [Pod.tiny, "true"]).ok)
        }
    }

    /// What stands in the store's directories of containers.
    private static func left(_ pod: Pod) -> [String] {
        let data = pod.account.isRoot ? "/data" : "/home/.local/share/swiftpod"
        return ["containers", "active", "names"].flatMap { name in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: pod.directory + data + "/" + name)) ?? []
            return names.map { "\(name)/\($0)" }
        }
    }
}
