import Glibc
import LinuxKernel

/// Whether the machine had something else to do meanwhile.
struct NoiseWatch {
    /// Quartiles further apart than this part of the median make a row's figures doubtful.
    static let spreadLimit = 0.3
    /// The same for time that the machine's host took away.
    static let stealLimit = 0.02

    private let before = CPUTimes()

    /// - Parameter series: rows whose runs should all have been alike.
    func complaints(_ series: [Series]) -> [String] {
        var complaints: [String] = []
        for one in series where one.laps.count >= 8 && one.spread > NoiseWatch.spreadLimit {
            complaints.append(
                "\(one.row.name): the middle half of the runs spreads over \(percent(one.spread)) of the median")
        }
        let after = CPUTimes()
        let total = after.total &- before.total
        if total > 0 {
            let stolen = Double(after.steal &- before.steal) / Double(total)
            if stolen > NoiseWatch.stealLimit {
                complaints.append("\(percent(stolen)) of the time was taken by the host")
            }
        }
        return complaints
    }

    /// The machine's load before anything is measured, where it is worth a word.
    static func load() -> String? {
        var averages = [0.0, 0.0, 0.0]
        guard getloadavg(&averages, 3) == 3, averages[0] > 0.5 else { return nil }
        return "load average at the beginning: \(decimal(averages[0], 2))"
    }

    private struct CPUTimes {
        var total: UInt64 = 0
        var steal: UInt64 = 0

        init() {
            let text = (try? File.read("/proc/stat", limit: 1 << 20)) ?? []
            let line = text.prefix { $0 != 0x0a }
            let numbers = line.split(separator: 0x20).dropFirst().compactMap {
                UInt64(String(decoding: $0, as: UTF8.self))
            }
            total = numbers.prefix(8).reduce(0, &+)
            steal = numbers.count > 7 ? numbers[7] : 0
        }
    }
}
