import Foundation
import Testing

/// `swiftpod bench` from outside: it measures, it says so in every form, and it leaves nothing.
@Suite struct BenchmarkTests {
    private static let compiler: String? = ["/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"].first {
        access($0, X_OK) == 0
    }

    @Test(
        .enabled(if: compiler != nil && !Machine.isPodman, "no C compiler for the floor program"),
        arguments: Account.all)
    func measuresAndReports(_ account: Account) throws {
        try Pod.with(account, "none") { pod in
            let floor = pod.files + "/swiftpod-floor"
            let source = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Benchmarks/floor.c").standardized.path
            Machine.tool(Self.compiler!, "-O2", "-static", "-o", floor, source)
            let thresholds = pod.write(
                "thresholds.json",
                """
                {"thresholds": [
                 {"row": "swiftpod run --network=none", "against": "floor network", "at most": 0.001},
                 {"row": "floor network", "at most": 100000}]}
                """)
            let words = [
                "bench", "--floor", floor, "--runs=9", "--warmup=1", "--rounds=2", "--at-once=3", "--existing=4",
                "--running=6", "--detached=3", "--peers=false", "--rows=floor,swiftpod run", "--user=swiftpodtest",
                "--scratch=" + pod.files, "--json=" + pod.files + "/all.json", "--chart=" + pod.files + "/chart.svg",
            ]
            if account.isRoot { chmod(pod.files, 0o777) }
            let done = pod(words, seconds: 120)
            #expect(done.ok, "\(done)")
            for part in [
                "## One start after the other", "## 3 at once", "## Beside 4 existing containers",
                "swiftpod: PSS for each container", "## 6 running at once", "| swiftpod run --network=none |",
            ] {
                #expect(done.out.contains(part), "\(part) in \(done)")
            }
            let json = try #require(
                JSONSerialization.jsonObject(with: Data((pod.read("all.json") ?? "").utf8)) as? [String: Any])
            let scenarios = try #require(json["scenarios"] as? [[String: Any]])
            let keys = scenarios.compactMap { $0["key"] as? String }
            // Where files are in memory by nature there are no cold caches.
            #expect(keys.filter { $0 != "cold" }.count == 5)
            #expect(keys.contains("cold") || done.out.contains("cold caches: the store is in memory"), "\(keys)")
            let rows = try #require(scenarios[0]["rows"] as? [[String: Any]])
            for row in rows {
                #expect((row["wall"] as? [Double])?.count == 9 && (row["failures"] as? [String]) == [], "\(row)")
            }
            #expect(pod.read("chart.svg")?.hasPrefix("<svg ") == true)
            let held = pod(
                words.prefix(3) + [
                    "-n9", "--peers=false", "--scenario=sequential", "--rows=network",
                    "--scratch=" + pod.files, "--threshold", thresholds,
                ], seconds: 120)
            #expect(held.code == 1, "\(held)")
            #expect(
                held.out.contains("MISSED: sequential: swiftpod run --network=none against floor network"), "\(held)")
            #expect(held.out.contains("held: sequential: floor network"), "\(held)")
            let left = try FileManager.default.contentsOfDirectory(atPath: pod.files)
            #expect(!left.contains { $0.hasPrefix("swiftpod-bench") }, "\(left)")
        }
    }

    @Test(.enabled(if: !Machine.isPodman)) func saysWhatItLacks() throws {
        try Pod.with(Account.all[0], "none") { pod in
            let lacking = pod("bench", "--floor", pod.files + "/none")
            #expect(lacking.code == 125 && lacking.err.contains("no floor program at"), "\(lacking)")
        }
    }
}
