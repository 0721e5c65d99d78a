import Foundation
import Launch
import LinuxKernel
import OCISpec
import Testing

/// Each step of a plan in turn is made to fail.
@Suite(.serialized) struct FaultTests {
    @Test(arguments: Privilege.available) func aFailureAtAnyStepLeavesNothing(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.options.moments = [.created]
        fixture.process.oomScoreAdj = 100
        let plan = try fixture.plan(["/bin/true"])
        let mounts = try mountCount(fixture)
        var failed = 0
        for index in 0... {
            guard let broken = plan.failing(at: index) else { break }
            var child: Int32 = 0
            do {
                let outcome = try fixture.captured { try launch(broken) { _, pid in child = pid } }
                Issue.record("step \(index) was left out and nothing was said: \(outcome)")
            } catch let error as LaunchError {
                failed += 1
                #expect(error.step == "open /proc/self/fault", "\(error) at \(index)")
            }
            if child != 0 { #expect(kill(child, 0) != 0, "process \(child) lives after step \(index) failed") }
        }
        #expect(failed > 40)
        #expect(try mountCount(fixture) == mounts)
        #expect(try fixture.run("echo works").output == "works\n")
    }

    private func mountCount(_ fixture: Fixture) throws -> Int {
        try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n")
            .filter { $0.contains(fixture.path) }.count
    }
}
