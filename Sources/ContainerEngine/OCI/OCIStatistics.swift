import Cgroups
import LinuxKernel
import OCISpec

extension Cgroup {
    /// The data of a `stats` event, under runc's names and in its units.
    var runcStatistics: JSON {
        let used = statistics()
        return JSON(members: [
            "cpu": cpu(used), "cpuset": .object([]), "memory": memory(used),
            "pids": JSON(members: [
                "current": used.processes.map { JSON($0) }, "limit": used.processLimit.map { JSON($0) },
            ]),
            "blkio": blockIO(used), "hugetlb": hugePages(), "intel_rdt": .object([]), "network_interfaces": .null,
        ])
    }

    private func cpu(_ used: CgroupStatistics) -> JSON {
        func nanoseconds(_ value: UInt64?) -> JSON { JSON((value ?? 0) &* 1000) }
        return JSON(members: [
            "usage": JSON(members: [
                "total": nanoseconds(used.cpuTime), "kernel": nanoseconds(used.cpuSystemTime),
                "user": nanoseconds(used.cpuUserTime),
            ]),
            "throttling": JSON(members: [
                "periods": value("nr_periods", in: "cpu.stat").map { JSON($0) },
                "throttledPeriods": used.throttledPeriods.map { JSON($0) },
                "throttledTime": used.throttledTime.map { nanoseconds($0) },
            ]), "psi": used.cpuPressure?.json,
        ])
    }

    private func memory(_ used: CgroupStatistics) -> JSON {
        let raw = counters("memory.stat")
        let current = number("memory.current") ?? 0
        let limit = number("memory.max") ?? .max
        // v1 counts memory and swap together, and so do the readers of these figures.
        let swapLimit = number("memory.swap.max").flatMap { limit == .max ? nil : $0 &+ limit } ?? .max
        func entry(_ limit: UInt64, _ usage: UInt64, _ peak: UInt64?, _ failures: UInt64) -> JSON {
            JSON(members: [
                "limit": JSON(limit), "usage": JSON(usage), "max": peak.map { JSON($0) }, "failcnt": JSON(failures),
            ])
        }
        return JSON(members: [
            "cache": JSON(raw["file"] ?? 0),
            "usage": entry(limit, current, used.memoryPeak, value("max", in: "memory.events") ?? 0),
            "swap": entry(swapLimit, current &+ (used.swap ?? 0), nil, 0),
            "kernel": entry(0, 0, nil, 0), "kernelTCP": entry(0, 0, nil, 0),
            "raw": raw.isEmpty
                ? nil : .object(raw.sorted { $0.key < $1.key }.map { JSON.Member($0.key, JSON($0.value)) }),
            "psi": used.memoryPressure?.json,
        ])
    }

    /// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`, a line for each device.
    private func blockIO(_ used: CgroupStatistics) -> JSON {
        var bytes: [JSON] = []
        var operations: [JSON] = []
        for line in (read("io.stat") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            let device = words.first?.split(separator: ":").compactMap { UInt64($0) } ?? []
            guard device.count == 2 else { continue }
            for word in words.dropFirst() {
                let parts = word.split(separator: "=")
                guard parts.count == 2, let value = UInt64(parts[1]),
                    let operation: JSON = ["r": "Read", "w": "Write", "d": "Discard"][parts[0].prefix(1)]
                else { continue }
                let entry = JSON(members: [
                    "major": JSON(device[0]), "minor": JSON(device[1]), "op": operation, "value": JSON(value),
                ])
                if parts[0].hasSuffix("bytes") { bytes.append(entry) } else { operations.append(entry) }
            }
        }
        return JSON(members: [
            "ioServiceBytesRecursive": bytes.isEmpty ? nil : .array(bytes),
            "ioServicedRecursive": operations.isEmpty ? nil : .array(operations), "psi": used.ioPressure?.json,
        ])
    }

    private func hugePages() -> JSON {
        var result: [JSON.Member] = []
        for entry in ((try? Directory.entries(at: path)) ?? []).map(\.name).sorted() {
            let parts = entry.split(separator: ".")
            guard parts.count == 3, parts[0] == "hugetlb", parts[2] == "current" else { continue }
            let size = String(parts[1])
            result.append(
                JSON.Member(
                    size,
                    JSON(members: [
                        "usage": JSON(number(entry) ?? 0),
                        "failcnt": JSON(value("max", in: "hugetlb.\(size).events") ?? 0),
                    ])))
        }
        return .object(result)
    }
}

extension CgroupStatistics.Pressure {
    fileprivate var json: JSON {
        func line(_ averages: (ten: Double, minute: Double, five: Double), _ total: UInt64) -> JSON {
            JSON(members: [
                "avg10": .number(averages.ten), "avg60": .number(averages.minute), "avg300": .number(averages.five),
                "total": JSON(total),
            ])
        }
        return JSON(members: ["some": line(some, someTotal), "full": line(full, fullTotal)])
    }
}
