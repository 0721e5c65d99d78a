import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar
import SwiftPod
import Testing
import Workers

@Suite struct WordTests {
    @Test(arguments: splitRows)
    func splitsAsAShell(text: String, words: [String]) throws {
        #expect(try WorkerWords.split(text) == words)
    }

    @Test(arguments: [
        "-v $HOME:/h", "\"$HOME\"", "`id`", "a;b", "a|b", "a&b", "<x", ">x", "$(x)", "*.py", "~/x", "# x", "'open",
        "\"open",
        "end\\", "{a,b}",
    ])
    func whatOnlyAShellUnderstandsIsRefused(text: String) {
        let fault = #expect(throws: WorkerFault.self) { try WorkerWords.split(text) }
        #expect(fault?.code == "invalid")
        #expect(fault?.message.hasPrefix("run option \"") == true)
    }

    @Test func orderMeansWhatTheCommandLineMeans() throws {
        let order = WorkerOrder(
            options: WorkerWords.isolation() + ["--device", "/dev/null:/dev/x:r", "--cap-drop=ALL", "-e", "A=b c"],
            image: "localhost/x", command: ["-c", "print(1)"], environment: [("A", "over"), ("B", "$x \"y\"")])
        let (request, warnings) = try order.request()
        var globals = GlobalOptions()
        let words =
            WorkerWords.isolation() + ["--device=/dev/null:/dev/x:r", "--cap-drop", "ALL", "--env=A=b c"]
            + ["-e", "A=over", "-e", "B=$x \"y\"", "localhost/x", "-c", "print(1)"]
        let line = try RunRequest(parsing: words[...], globals: &globals, caller: .process)
        #expect(request == line)
        #expect(warnings.isEmpty)
        #expect(try WorkerOrder(json: order.json) == order)
    }

    @Test(arguments: [
        (["--detach"], "--detach has no meaning"), (["--cidfile=/x"], "--cidfile has no meaning"),
        (["--pid=private"], "pid namespace of its own"), (["--restart=always"], "somebody starts it again"),
        (["--no-such-flag"], "unknown flag: --no-such-flag"), (["--help"], "unknown flag: --help"),
        (["-t"], "terminal"),
        (["--network=private"], "network"), (["--shm-size=x"], "--shm-size"),
    ])
    func whatAWorkerCannotHaveIsRefused(options: [String], reason: String) {
        let order = WorkerOrder(options: WorkerWords.isolation() + options, image: "localhost/x", command: [])
        let error = #expect(throws: CommandError.self) { try order.request() }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: ["", "-v", "--rm"])
    func anOptionIsNoImage(image: String) {
        let order = WorkerOrder(options: WorkerWords.isolation(), image: image, command: ["x"])
        #expect(throws: CommandError.self) { try order.request() }
    }

    @Test func framesCarryDescriptors() throws {
        let (first, second) = try OwnedDescriptor.socketPair().release()
        defer { close(second) }
        let text = String(repeating: "\u{1F600}", count: 1000)
        try Frame.send(["a": .string(text)], descriptors: [0, 1, 2], over: first)
        try Frame.send(["b": 1], over: first)
        let one = try #require(try Frame.receive(from: second))
        let two = try #require(try Frame.receive(from: second))
        #expect(one.body == ["a": .string(text)])
        #expect(one.descriptors.count == 3)
        #expect(two.body == ["b": 1])
        #expect(two.descriptors.isEmpty)
        close(first)
        #expect(try Frame.receive(from: second) == nil)
        for descriptor in one.descriptors { close(descriptor) }
    }
}

private let splitRows: [(String, [String])] = [
    ("", []), ("  ", []), ("--rm", ["--rm"]), ("--device nvidia.com/gpu=all", ["--device", "nvidia.com/gpu=all"]),
    ("-v '/a b:/b'", ["-v", "/a b:/b"]), ("-e \"A=1 2\"", ["-e", "A=1 2"]), ("-e A=\"x\"'y'z", ["-e", "A=xyz"]),
    ("a\\ b", ["a b"]), ("''", [""]), ("\"a\\\"b\\\\c\\d\"", ["a\"b\\c\\d"]), ("'$x'", ["$x"]), ("a#b", ["a#b"]),
    ("x=~y", ["x=~y"]), ("a\tb\nc", ["a", "b", "c"]),
]
