import Foundation
import Testing

/// `run --plan` and `run --trace`: what a start would do, and what it took.
@Suite struct StartReportTests {
    @Test(
        .enabled(if: !Machine.isPodman, "podman has no --plan"), arguments: Account.all)
    func aPlanIsPrintedAndNothingIsRun(_ account: Account) throws {
        try Pod.with(account) { pod in
            let shared = pod.makeDirectory("shared", mode: 0o777)
            let words = ["-v", shared + ":/shared", "--hostname=planned", Pod.tiny, "touch", "/shared/ran"]
            let plan = pod(["run", "--rm", "--network=none", "--plan"] + words)
            #expect(plan.ok && plan.err == "", "\(plan)")
            for line in ["set host name planned", "mount overlay on /", "enter the root", "execute touch"] {
                #expect(plan.lines.contains(line), "\(line) in \(plan)")
            }
            #expect(plan.lines.first?.hasPrefix("clone ") == true)
            #expect(plan.lines.last == "execute touch")
            #expect(pod.read("shared/ran") == nil)
            #expect(pod("ps", "-aq").out == "")
            // Seen the other way round: without it the same words do what they say.
            #expect(pod(["run", "--rm", "--network=none"] + words).ok)
            #expect(pod.read("shared/ran") != nil)
        }
    }

    @Test(
        .enabled(if: !Machine.isPodman, "podman has no --trace"), arguments: Account.all)
    func theTraceTellsPhasesAndSteps(_ account: Account) throws {
        try Pod.with(account) { pod in
            let traced = pod(
                "run", "--rm", "--network=none", "--trace=json", Pod.tiny, "sh", "-c", "sleep 0.2; echo out; exit 3")
            #expect(traced.code == 3 && traced.out == "out\n", "\(traced)")
            let report = try #require(
                JSONSerialization.jsonObject(with: Data(traced.err.utf8)) as? [String: [[String: Any]]])
            let phases = try #require(report["phases"])
            #expect(
                phases.compactMap { $0["name"] as? String } == [
                    "parse", "lookUp", "keeper", "tree", "create", "plan", "clone", "steps", "running", "remove",
                ])
            // One after the other, without a gap.
            var end = 0.0
            for phase in phases {
                let start = try #require(phase["start"] as? Double)
                #expect(abs(start - end) < 0.01, "\(phases)")
                end = start + (try #require(phase["duration"] as? Double))
            }
            let running = try #require(phases.first { $0["name"] as? String == "running" })
            #expect((running["duration"] as? Double ?? 0) > 190_000, "\(running)")
            let steps = try #require(report["steps"]).compactMap { $0["name"] as? String }
            #expect(steps.contains("mount overlay on /") && steps.last == "execute sh", "\(steps)")
            // What was done is what was planned; steps whose turn did not come (else …) are not there.
            let plan = pod(
                "run", "--rm", "--network=none", "--plan", Pod.tiny, "sh", "-c", "sleep 0.2; echo out; exit 3")
            let planned = Set(plan.lines)
            // Another container has another id.
            for step in steps where !["/containers/", "host name", "keyring"].contains(where: step.contains) {
                #expect(planned.contains(step), "\(step) in \(plan)")
            }
        }
    }

    @Test(
        .enabled(if: !Machine.isPodman, "podman has no --trace"), arguments: Account.all)
    func theTraceIsForPeopleAndBrowsersToo(_ account: Account) throws {
        try Pod.with(account) { pod in
            let text = pod("run", "--rm", "--network=none", "--trace", Pod.tiny, "true")
            #expect(text.ok && text.out == "", "\(text)")
            #expect(text.errorLines.contains { $0.hasSuffix("  enter the root") }, "\(text)")
            let chrome = pod("run", "-d", "--network=none", "--trace=chrome", Pod.tiny, "true")
            let events = try #require(
                JSONSerialization.jsonObject(with: Data(chrome.err.utf8)) as? [String: [[String: Any]]])
            // Told by the process in between, which starts what runs in the background.
            #expect(events["traceEvents"]?.contains { $0["name"] as? String == "execute true" } == true, "\(chrome)")
            let off = pod("run", "--rm", "--network=none", "--trace=false", Pod.tiny, "true")
            #expect(off.ok && off.err == "", "\(off)")
            let wrong = pod("run", "--rm", "--trace=xml", Pod.tiny, "true")
            #expect(wrong.code == 125 && wrong.err.contains("--trace"), "\(wrong)")
        }
    }
}
