import Foundation
import Testing

/// One `run` and what has to come of it. `{files}`, `{uid}`, `{gid}` and `{user}` stand for the fixture's own.
struct Row: Sendable {
    let name: String
    var options: [String] = []
    var image = Pod.tiny
    var command: [String] = []
    /// Handed to `sh -c`, where no command is given.
    var script: String?
    var input: String?
    let expected: Expectation
    /// Why podman 4.3.1 does not do the same, and as whom.
    private var difference: (reason: String, accounts: [Account])?

    indirect enum Expectation: Sendable {
        /// stdout, without its last newline.
        case prints(String)
        case matches(String)
        /// stdout has no match.
        case lacks(String)
        case exits(Int32)
        /// The exit code, one line on stderr that matches, nothing left behind.
        case fails(Int32, String)
        case all([Expectation])
    }

    init(_ name: String, _ options: [String], sh script: String, input: String? = nil, _ expected: Expectation) {
        self.name = name
        self.options = options
        self.script = script
        self.input = input
        self.expected = expected
    }

    init(
        _ name: String, _ options: [String], image: String = Pod.tiny, command: [String], input: String? = nil,
        _ expected: Expectation
    ) {
        self.name = name
        self.options = options
        self.image = image
        self.command = command
        self.input = input
        self.expected = expected
    }

    /// The row is not checked against podman, which differs on this machine.
    func podmanDiffers(_ reason: String, as accounts: [Account] = Account.allCases) -> Row {
        var row = self
        row.difference = (reason, accounts)
        return row
    }

    /// Runs every row in one fixture.
    static func check(_ rows: [Row], _ pod: Pod) {
        for row in rows { row.check(pod) }
    }

    func check(_ pod: Pod) {
        if Machine.isPodman, let difference, difference.accounts.contains(pod.account) { return }
        func fill(_ text: String) -> String {
            text.replacingOccurrences(of: "{files}", with: pod.files)
                .replacingOccurrences(of: "{uid}", with: "\(pod.account.uid)")
                .replacingOccurrences(of: "{gid}", with: "\(pod.account.gid)")
                .replacingOccurrences(of: "{user}", with: pod.account.login)
        }
        let tail = script.map { ["/bin/sh", "-c", $0] } ?? command
        let network = options.contains { $0.hasPrefix("--net") } ? [] : ["--network=none"]
        let words = ["run", "--rm"] + network + options + [image] + tail
        let before = containers(pod)
        let output = pod(words.map(fill), input: input)
        check(expected, output, pod.account, fill)
        if containers(pod) != before {
            Issue.record("\(name): a container was left behind: \(output)")
            pod("rm", "-a", "-f", "-t", "0")
        }
    }

    private func containers(_ pod: Pod) -> String { pod("ps", "-aq").out }

    private func check(_ expected: Expectation, _ output: Output, _ account: Account, _ fill: (String) -> String) {
        let what: Comment = "\(name), \(account.rawValue): \(output)"
        switch expected {
        case .prints(let text):
            #expect(output.text == fill(text), what)
            #expect(output.ok, what)
            #expect(output.err.isEmpty, what)
        case .matches(let pattern):
            #expect(output.out.range(of: fill(pattern), options: .regularExpression) != nil, what)
            #expect(output.ok, what)
        case .lacks(let pattern):
            #expect(output.out.range(of: fill(pattern), options: .regularExpression) == nil, what)
            #expect(output.ok, what)
        case .exits(let code):
            #expect(output.code == code, what)
        case .fails(let code, let pattern):
            #expect(output.code == code, what)
            expectOneLine(output, pattern, what)
        case .all(let several):
            for one in several { check(one, output, account, fill) }
        }
    }
}

/// One line on stderr, which says it; podman adds lines of its own at times.
func expectOneLine(_ output: Output, _ pattern: String, _ comment: Comment? = nil) {
    let options: String.CompareOptions = [.regularExpression, .caseInsensitive]
    let comment = comment ?? "\(output)"
    #expect(output.out.isEmpty, comment)
    if Machine.isPodman {
        #expect(!output.err.isEmpty, comment)
    } else {
        #expect(output.errorLines.count == 1, comment)
        #expect(output.err.range(of: pattern, options: options) != nil, "says \(pattern): \(comment)")
    }
}
