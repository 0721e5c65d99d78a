/// Signals by name and number, as `--stop-signal` and `kill --signal` take them.
public enum SignalNumber {
    /// Linux's numbers on x86-64, arm64, riscv64, ppc64le and s390x, which agree.
    private static let names: [String] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]
    private static let synonyms: [String: Int32] = ["IOT": 6, "CLD": 17, "POLL": 29]
    /// glibc keeps 32 and 33 to itself.
    private static let realTime: ClosedRange<Int32> = 34...64

    /// `SIGTERM`, `term`, `15`, `RTMIN+3`, `rtmax-1`.
    /// - Throws: `.invalid`, `invalid signal: WORD`.
    public static func parse(_ word: String) throws(EngineError) -> Int32 {
        if let number = Int32(word), word.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard (1...64).contains(number) else { throw EngineError(.invalid, "valid signals are 1 through 64") }
            return number
        }
        var name = word.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if let index = names.firstIndex(of: name) { return Int32(index + 1) }
        if let number = synonyms[name] { return number }
        if let number = realTimeNumber(name) { return number }
        throw EngineError(.invalid, "invalid signal: \(word)")
    }

    private static func realTimeNumber(_ name: String) -> Int32? {
        if name == "RTMIN" { return realTime.lowerBound }
        if name == "RTMAX" { return realTime.upperBound }
        let number: Int32?
        if name.hasPrefix("RTMIN+") {
            number = Int32(name.dropFirst(6)).map { realTime.lowerBound &+ $0 }
        } else if name.hasPrefix("RTMAX-") {
            number = Int32(name.dropFirst(6)).map { realTime.upperBound &- $0 }
        } else {
            number = nil
        }
        guard let number, realTime.contains(number) else { return nil }
        return number
    }

    /// `SIGTERM`; a number without a name is written as `SIGRTMIN+n` or as itself.
    public static func name(_ number: Int32) -> String {
        if number >= 1, Int(number) <= names.count { return "SIG" + names[Int(number) - 1] }
        if number == realTime.lowerBound { return "SIGRTMIN" }
        if number == realTime.upperBound { return "SIGRTMAX" }
        if realTime.contains(number) { return "SIGRTMIN+\(number - realTime.lowerBound)" }
        return String(number)
    }
}
