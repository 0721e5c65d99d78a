import Foundation
import Launch
import LinuxKernel
import OCISpec
import Testing

@Suite struct RootTests {
    @Test(arguments: Privilege.available) func runsACommand(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let outcome = try fixture.run("echo $$; id -u; cat /etc/text; ls /")
        #expect(outcome.error == "")
        #expect(outcome.status == .exited(0))
        #expect(outcome.lines == ["1", "0", "not a programbin", "dev", "etc", "full", "proc", "sys", "tmp"])
    }
}
