import Foundation
import Testing

/// `swiftpod service`, spoken to by Tests/Service/service.py, which knows its OpenAPI document and nothing else of it.
@Suite(.needs(.swiftpod)) struct ServiceTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Service/service.py").path

    @Test(.needs(.program("python3")), arguments: Account.all)
    func doesWhatItsDocumentSays(account: Account) throws {
        try Pod.with(account, "worker") { pod in
            let socket = pod.files + "/service.sock"
            let service = try pod.start("service", "--socket", socket)
            defer { service.signal(SIGTERM) }
            #expect(service.waits(for: socket))
            let script = pod.write("service.py", try String(contentsOfFile: ServiceTests.script, encoding: .utf8))
            let output = pod.tool("python3", script, socket, "localhost/worker:latest", pod.files)
            #expect(output.ok, "\(output)\n\(service.errSoFar)")
            // A second one on the same path is refused, and does no harm.
            let second = pod("service", "--socket", socket)
            #expect(second.code == 125)
            #expect(access(socket, F_OK) == 0)
            service.signal(SIGTERM)
            #expect(service.finish().ok)
            #expect(access(socket, F_OK) != 0)
        }
    }

    @Test(arguments: Account.all)
    func whatAKilledServiceLeavesIsNothing(account: Account) throws {
        try Pod.with(account, "worker") { pod in
            let socket = pod.files + "/service.sock"
            let service = try pod.start("service", "--socket", socket)
            #expect(service.waits(for: socket))
            let body = #"{"image": "localhost/worker", "options": {"entrypoint": ["sleep"]}, "arguments": ["1000"]}"#
            let launched = pod.tool(
                "curl", "-s", "--unix-socket", socket, "-d", body, "http://localhost/v1/workers")
            let pid = try #require(
                launched.text.firstMatch(of: /"id":(\d+)/).flatMap { pid_t($0.output.1) }, "\(launched)")
            #expect(kill(pid, 0) == 0)
            service.signal(SIGKILL)
            _ = service.finish()
            #expect(eventually(seconds: 3) { kill(pid, 0) != 0 })
            // And the next service takes the path over.
            let next = try pod.start("service", "--socket", socket)
            #expect(eventually { next.outSoFar.contains(socket) })
            next.signal(SIGTERM)
            #expect(next.finish().ok)
        }
    }

    @Test(.needs(.root)) func othersAreNotAnswered() throws {
        try Pod.with(.unprivileged, "none") { pod in
            let socket = pod.files + "/service.sock"
            let service = try pod.start("service", "--socket", socket)
            #expect(service.waits(for: socket))
            // Root may connect to any socket, and is a stranger all the same.
            let asked = Machine.tool("curl", "-s", "--unix-socket", socket, "http://localhost/v1/version")
            // To curl it is no connection, no answer or a broken one, as it happens to look sooner or later.
            #expect(!asked.ok && asked.out.isEmpty, "\(asked)")
            #expect(pod.tool("curl", "-s", "--unix-socket", socket, "http://localhost/v1/version").ok)
            service.signal(SIGTERM)
            #expect(service.finish().ok)
        }
    }
}
