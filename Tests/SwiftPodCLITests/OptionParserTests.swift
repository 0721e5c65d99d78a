import OptionGrammar
import ContainerEngine
import SwiftPodCLI
import Testing

@Suite struct OptionParserTests {
    @Test(arguments: [
        "--name web image", "--name=web image", "-i --name web image", "-it --name=web image",
        "-ti --name=web -- image",
        "--root /r --name web image", "--name old --name web image",
    ])
    func namesInEverySpelling(line: String) throws {
        #expect(try parseRun(line).configuration.name == "web")
    }

    @Test(arguments: [
        ("-eA=1", "A", "1"), ("-e A=1", "A", "1"), ("-e=A=1", "A", "1"), ("--env A=1", "A", "1"),
        ("--env=A=1", "A", "1"), ("-ieA=1", "A", "1"), ("-it -e A=", "A", ""), ("-e A=b=c", "A", "b=c"),
    ])
    func valuesOfShortOptions(options: String, name: String, value: String) throws {
        let variables = try configuration(options).environment.variables
        #expect(variables.map(\.name) == [name])
        #expect(variables.map(\.value) == [value])
    }

    @Test(arguments: [
        ("-it", true, true), ("-i -t", true, true), ("--interactive --tty=false", true, false),
        ("-it=false", true, false), ("-i=false -t", false, true), ("--tty=0 --interactive=T", true, false),
        ("-t", false, true),
    ])
    func booleans(options: String, interactive: Bool, tty: Bool) throws {
        let parsed = try configuration(options)
        #expect(parsed.interactive == interactive)
        #expect(parsed.tty == tty)
    }

    @Test func theCommandsOptionsAreItsOwn() throws {
        let parsed = try parseRun("--rm image ls -la --rm=false --nonsense").configuration
        #expect(parsed.command == ["ls", "-la", "--rm=false", "--nonsense"])
        #expect(parsed.removeOnExit)
    }

    @Test func wordsArriveAsTheyAre() throws {
        let words = ["-e", "A=b c\"$d", "--label", "x=", "image", "sh", "-c", "", "\n", "--"]
        let parsed = try parseRun(words).configuration
        #expect(parsed.environment.variables.first?.value == "b c\"$d")
        #expect(parsed.labels == ["x": ""])
        #expect(parsed.command == ["sh", "-c", "", "\n", "--"])
    }

    @Test(arguments: [
        ("--nmae x image", "unknown flag: --nmae (did you mean --name?)"),
        ("--volum=x image", "unknown flag: --volum (did you mean --volume?)"),
        ("--xyzzyx image", "unknown flag: --xyzzyx"),
        ("-x image", "unknown shorthand flag: 'x' in -x"),
        ("-itx image", "unknown shorthand flag: 'x' in -itx"),
        ("--name", "flag needs an argument: --name"),
        ("-ie", "flag needs an argument: 'e' in -ie"),
        ("--=x image", "bad flag syntax: --=x"),
        ("---x image", "bad flag syntax: ---x"),
        ("--rm=maybe image", "invalid argument \"maybe\" for \"--rm\" flag: not true or false"),
        ("--tty=2 image", "invalid argument \"2\" for \"-t, --tty\" flag: not true or false"),
        ("--pod p image", "unsupported flag: --pod: podman has it, swiftpod does not yet"),
        ("-P image", "unsupported flag: --publish-all: podman has it, swiftpod does not yet"),
        ("--health-cmd=true image", "unsupported flag: --health-cmd: podman has it, swiftpod does not yet"),
        ("--url x image", "unsupported flag: --url: podman has it, swiftpod does not yet"),
        ("", "requires at least 1 arg(s), only received 0"),
        ("--rm", "requires at least 1 arg(s), only received 0"),
    ])
    func refusals(line: String, message: String) {
        #expect(refusal(line) == message)
    }

    @Test func refusingAFlagThatIsOffIsNoRefusal() throws {
        _ = try parseRun("--publish-all=false --oom-kill-disable=false image")
    }

    @Test func globalsStandBehindTheVerbToo() throws {
        var globals = GlobalOptions()
        let line =
            "--root /r --cgroup-manager=cgroupfs --runroot=/rr --log-level error --storage-driver vfs "
            + "--events-backend none --runtime crun --tmpdir /t image"
        let request = try RunRequest(
            parsing: line.split(separator: " ").map(String.init)[...], globals: &globals, caller: caller())
        #expect(globals.root == "/r")
        #expect(globals.runRoot == "/rr")
        #expect(globals.logLevel == .error)
        #expect(request.configuration.cgroupManager == .cgroupfs)
        #expect(globals.warnings.isEmpty)
    }

    @Test(arguments: [
        ("rm", ["rn", "rmi", "ps"], "rn"), ("imgaes", ["images", "image", "import"], "images"),
        ("x", ["run", "ps"], nil), ("vol", ["volume", "version"], "volume"), ("v", ["volume", "version"], nil),
    ])
    func nearestNames(word: String, known: [String], nearest: String?) {
        #expect(nearestName(to: word, among: known) == nearest)
    }
}
