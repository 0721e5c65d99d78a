import LinuxKernel
import Testing

/// A shorter filter must say of every call what the long one says.
@Suite struct FilterCompactionTests {
    /// Performs a program as the kernel does, on the words of a `struct seccomp_data`.
    private static func perform(_ program: [UInt8], on words: [UInt32]) -> UInt32? {
        var at = 0
        var loaded: UInt32 = 0
        while at + 8 <= program.count {
            let code = UInt16(program[at]) | UInt16(program[at + 1]) << 8
            let (onTrue, onFalse) = (Int(program[at + 2]), Int(program[at + 3]))
            let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(program[at + 4 + $1]) << (8 * UInt32($1)) }
            at += 8
            switch code {
            case 0x20: loaded = words[Int(value / 4)]
            case 0x05: at += 8 * Int(value)
            case 0x15: at += 8 * (loaded == value ? onTrue : onFalse)
            case 0x25: at += 8 * (loaded > value ? onTrue : onFalse)
            case 0x35: at += 8 * (loaded >= value ? onTrue : onFalse)
            case 0x54: loaded &= value
            case 0x06: return value
            default: return nil
            }
        }
        return nil
    }

    /// Every number that a comparison names, and its neighbours.
    private static func constants(_ program: [UInt8]) -> [UInt32] {
        var found: Set<UInt32> = [0, .max]
        for at in stride(from: 0, to: program.count, by: 8) {
            let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(program[at + 4 + $1]) << (8 * UInt32($1)) }
            found.formUnion([value, value &+ 1, value &- 1])
        }
        return found.sorted()
    }

    private static func filter(
        _ fallback: SeccompFilter.Action, _ body: (inout SeccompFilter) throws -> Void
    ) throws -> [UInt8] {
        var filter = try SeccompFilter(defaultAction: fallback)
        for machine in ["x86_64", "x86", "x32", "aarch64", "arm"] { try filter.addArchitecture(machine) }
        try body(&filter)
        return try filter.exported()
    }

    private static let filters: [[UInt8]] = {
        do {
            let names = [
                "read", "write", "openat", "close", "mmap", "clone3", "execve", "exit_group", "ioctl", "futex",
            ]
            return [
                try filter(.errno(38)) { filter in
                    for name in names { try filter.add(.allow, call: name) }
                    for name in ["mount", "umount2", "reboot"] { try filter.add(.errno(1), call: name) }
                },
                try filter(.errno(38)) { filter in
                    for name in names { try filter.add(.allow, call: name) }
                    for value in [0, 8, 0x20000, 0xFFFF_FFFF] as [UInt64] {
                        try filter.add(
                            .allow, call: "personality", where: [.init(index: 0, operation: .equal, value: value)])
                    }
                    try filter.add(
                        .errno(22), call: "socket",
                        where: [
                            .init(index: 0, operation: .equal, value: 16), .init(index: 2, operation: .equal, value: 9),
                        ])
                    try filter.add(.allow, call: "socket", where: [.init(index: 2, operation: .notEqual, value: 9)])
                    try filter.add(
                        .trace(7), call: "clone",
                        where: [.init(index: 0, operation: .maskedEqual, value: 0x7E02_0000, second: 0x1000_0000)])
                    try filter.add(
                        .killProcess, call: "lseek",
                        where: [.init(index: 1, operation: .greaterOrEqual, value: 1 << 40)])
                },
                try filter(.allow) { filter in
                    for name in names + ["ptrace", "bpf"] { try filter.add(.errno(13), call: name) }
                },
            ]
        } catch {
            return []
        }
    }()

    @Test(arguments: filters.indices) func saysTheSame(_ index: Int) throws {
        let long = Self.filters[index]
        let short = FilterCompaction.compacted(long)
        #expect(short.count <= long.count && short.count % 8 == 0)
        let constants = Self.constants(long)
        var random = SystemRandomNumberGenerator()
        var words = [UInt32](repeating: 0, count: 16)
        for machine in [0xC000_003E, 0x4000_0003, 0xC000_00B7, 0x4000_0028, 0, 7] as [UInt32] {
            let numbers = constants + (0..<600) + (0x4000_0000..<0x4000_0240)
            for number in numbers {
                for _ in 0..<8 {
                    (words[0], words[1]) = (number, machine)
                    for at in 2..<16 {
                        words[at] = at % 2 == 1 && Bool.random() ? 0 : constants.randomElement(using: &random) ?? 0
                    }
                    let expected = Self.perform(long, on: words)
                    #expect(expected != nil)
                    if Self.perform(short, on: words) != expected {
                        Issue.record("call \(number) of machine \(machine) with \(words)")
                        return
                    }
                }
            }
        }
    }

    /// What it does not understand stays as it is.
    @Test(
        arguments: [
            [], [0x06, 0, 0, 0, 0, 0, 0xFF, 0x7F],
            // A comparison before anything is loaded; a load of half a word; a jump out of the program.
            [0x15, 0, 0, 0, 1, 0, 0, 0, 0x06, 0, 0, 0, 0, 0, 0, 0],
            [0x28, 0, 0, 0, 0, 0, 0, 0, 0x06, 0, 0, 0, 0, 0, 0, 0],
            [0x20, 0, 0, 0, 0, 0, 0, 0, 0x15, 0, 9, 9, 1, 0, 0, 0],
        ] as [[UInt8]])
    func whatIsNotUnderstoodStays(_ program: [UInt8]) {
        #expect(FilterCompaction.compacted(program) == program)
    }
}
