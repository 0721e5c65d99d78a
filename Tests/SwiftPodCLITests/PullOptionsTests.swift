import OptionGrammar
import OCISpec
import SwiftPodCLI
import Testing

@Suite struct PullOptionsTests {
    private func parse(_ line: String) throws -> (PullCommandOptions, [String]) {
        var options = PullCommandOptions(caller: caller())
        var globals = GlobalOptions()
        let words = try OptionParser(rows: PullCommandOptions.table, interspersed: true)
            .parse(line.split(separator: " ").map(String.init)[...], into: &options, globals: &globals)
        return (options, words)
    }

    @Test func optionsMayFollowTheImage() throws {
        let (options, words) = try parse("a --tls-verify=false -q b --authfile x --creds u:p --platform linux/arm64")
        #expect(words == ["a", "b"])
        #expect(options.registry.tlsVerify == false)
        #expect(options.registry.quiet)
        #expect(options.registry.authFile == "/here/x")
        #expect(options.registry.credentials == "u:p")
        #expect(try options.chosenPlatform() == Platform(os: "linux", architecture: "arm64"))
    }

    @Test func execsWords() throws {
        var options = ExecOptions(caller: caller())
        var globals = GlobalOptions()
        let line = "-it -e A=1 -e TERM -u 5 -w /x --privileged web sh -c true"
        let words = try OptionParser(rows: ExecOptions.table, interspersed: false)
            .parse(line.split(separator: " ").map(String.init)[...], into: &options, globals: &globals)
        let (container, configuration) = try options.request(words)
        #expect(container == "web")
        #expect(configuration.command == ["sh", "-c", "true"])
        #expect(configuration.interactive && configuration.tty && configuration.privileged)
        #expect(configuration.environment.variables.map(\.value) == ["1", "xterm"])
        #expect(configuration.user == "5")
        #expect(configuration.workingDirectory == "/x")
    }
}
