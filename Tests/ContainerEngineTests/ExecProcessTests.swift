import ContainerEngine
import OCISpec
import Testing

@Suite struct ExecProcessTests {
    private func process(
        _ image: ImageFacts = Fixture.userImage, of request: (inout ContainerConfiguration) -> Void,
        _ change: (inout ExecConfiguration) -> Void
    ) throws -> RuntimeSpec.Process {
        var exec = ExecConfiguration(command: ["id"])
        change(&exec)
        return try Fixture.build(image, request).process(for: exec, root: Fixture.root, caller: Fixture.rootless)
            .process
    }

    private func process(_ change: (inout ExecConfiguration) -> Void) throws -> RuntimeSpec.Process {
        try process(of: { _ in }, change)
    }

    @Test func inheritsTheContainers() throws {
        let first = try Fixture.build(Fixture.userImage) { $0.tty = true }.runtime.process!
        let process = try process(of: { $0.tty = true }, { _ in })
        #expect(process.args == ["id"] && !process.terminal)
        #expect(process.user == first.user && process.cwd == first.cwd)
        #expect(process.env.contains("HOME=/home/app") && process.env.contains("FOO=bar"))
        #expect(process.capabilities?.effective.isEmpty ?? false)
    }

    @Test func rootOfAUsersContainer() throws {
        let process = try process { $0.user = "root" }
        #expect(process.user.uid == 0 && process.env.contains("HOME=/root"))
        #expect(process.capabilities?.effective == process.capabilities?.bounding)
    }

    @Test func homeThatWasSetStays() throws {
        let process = try process(of: { $0.environment.variables = [("HOME", "/mine")] }, { $0.user = "web" })
        #expect(process.env.contains("HOME=/mine"))
        #expect(process.user.uid == 33 && process.user.additionalGids == [33, 50])
    }

    @Test func options() throws {
        let process = try process {
            $0.tty = true
            $0.workingDirectory = "/data/"
            $0.environment.variables = [("FOO", "exec"), ("NEW", "1")]
        }
        #expect(process.terminal && process.cwd == "/data")
        #expect(process.env.contains("FOO=exec") && process.env.contains("NEW=1") && !process.env.contains("FOO=bar"))
    }

    @Test func privileged() throws {
        let process = try process(Fixture.plainImage, of: { _ in }, { $0.privileged = true })
        #expect(process.capabilities?.effective.count == 41)
    }

    @Test func refused() {
        for (word, message) in [
            ("nosuch", "unable to find user nosuch: no matching entries in passwd file"),
            ("70000", "user 70000: uid 70000 is not mapped in the container's user namespace"),
        ] {
            let error = #expect(throws: EngineError.self) { try process { $0.user = word } }
            #expect(error?.message == message && error?.code == .cannotInvoke)
        }
    }
}
