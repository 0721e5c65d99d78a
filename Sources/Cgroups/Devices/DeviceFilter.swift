import CShims
import LinuxKernel

/// Device rules as a program of the kind BPF_PROG_TYPE_CGROUP_DEVICE, which cgroup v2 has in place of v1's `devices`.
public struct DeviceFilter: Equatable, Sendable {
    /// Instructions of eBPF, 8 bytes each.
    public let program: [UInt64]

    /// The last rule that speaks of a device and of a kind of access decides about it; what none speaks of is denied.
    /// nil where everything is allowed and no program is needed.
    public init?(_ rules: [DeviceRule]) {
        if let last = rules.last, last == DeviceRule(allows: true) { return nil }
        var assembler = FilterAssembler()
        assembler.loadContext()
        for rule in rules.reversed() {
            assembler.add(rule)
            // Nothing after a rule for everything is ever reached, and the kernel takes no code that is not.
            if rule.kind == .any, rule.major == nil, rule.minor == nil, rule.access == .all {
                program = assembler.code
                return
            }
        }
        assembler.leave(allowing: false)
        program = assembler.code
    }

    /// Loads the program and attaches it. It goes when the cgroup does.
    public func attach(to cgroup: Int32) throws(SyscallError) {
        try check("bpf", "device filter") {
            program.withUnsafeBufferPointer {
                swiftpod_attach_device_filter(cgroup, $0.baseAddress, UInt32($0.count))
            }
        }
    }
}

/// Registers: r1 is the context, r2 the device's type, r3 what is still asked for, r4 and r5 its numbers.
private struct FilterAssembler {
    private(set) var code: [UInt64] = []

    // Operation codes, linux/bpf.h; jumps compare the lower 32 bits (5.1).
    private static let loadWord: UInt8 = 0x61
    private static let moveRegister: UInt8 = 0xbc
    private static let moveNumber: UInt8 = 0xb4
    private static let andNumber: UInt8 = 0x54
    private static let shiftRight: UInt8 = 0x74
    private static let jumpUnequal: UInt8 = 0x56
    private static let jumpEqual: UInt8 = 0x16
    private static let exit: UInt8 = 0x95

    private static func instruction(
        _ operation: UInt8, to: UInt8 = 0, from: UInt8 = 0, jump: Int16 = 0, number: UInt32 = 0
    ) -> UInt64 {
        // struct bpf_insn in memory, least significant byte first: code, registers, offset, number.
        let registers = UInt64(from << 4 | to)
        return (UInt64(operation) | registers << 8 | UInt64(UInt16(bitPattern: jump)) << 16 | UInt64(number) << 32)
            .littleEndian
    }

    /// struct bpf_cgroup_dev_ctx: access in the upper and type in the lower half of the first word, then the numbers.
    mutating func loadContext() {
        code += [
            Self.instruction(Self.loadWord, to: 2, from: 1), Self.instruction(Self.andNumber, to: 2, number: 0xffff),
            Self.instruction(Self.loadWord, to: 3, from: 1), Self.instruction(Self.shiftRight, to: 3, number: 16),
            Self.instruction(Self.loadWord, to: 4, from: 1, jump: 4),
            Self.instruction(Self.loadWord, to: 5, from: 1, jump: 8),
        ]
    }

    mutating func add(_ rule: DeviceRule) {
        var conditions: [(register: UInt8, value: UInt32)] = []
        switch rule.kind {
        case .any: break
        case .block: conditions.append((2, 1))
        case .character: conditions.append((2, 2))
        }
        if let major = rule.major { conditions.append((4, major)) }
        if let minor = rule.minor { conditions.append((5, minor)) }
        let verdict = rule.allows ? allowing(rule.access) : denying(rule.access)
        for (index, condition) in conditions.enumerated() {
            let rest = conditions.count - index - 1 + verdict.count
            code.append(
                Self.instruction(
                    Self.jumpUnequal, to: condition.register, jump: Int16(rest), number: condition.value))
        }
        code += verdict
    }

    /// What the rule grants is no longer asked for; when nothing is, the answer is yes.
    private func allowing(_ access: DeviceRule.Access) -> [UInt64] {
        if access == .all { return leaving(allowing: true) }
        return [
            Self.instruction(Self.andNumber, to: 3, number: 7 & ~access.rawValue),
            Self.instruction(Self.jumpUnequal, to: 3, jump: 2, number: 0),
        ] + leaving(allowing: true)
    }

    /// One part refused is all refused.
    private func denying(_ access: DeviceRule.Access) -> [UInt64] {
        if access == .all { return leaving(allowing: false) }
        return [
            Self.instruction(Self.moveRegister, to: 1, from: 3),
            Self.instruction(Self.andNumber, to: 1, number: access.rawValue),
            Self.instruction(Self.jumpEqual, to: 1, jump: 2, number: 0),
        ] + leaving(allowing: false)
    }

    private func leaving(allowing: Bool) -> [UInt64] {
        [Self.instruction(Self.moveNumber, to: 0, number: allowing ? 1 : 0), Self.instruction(Self.exit)]
    }

    mutating func leave(allowing: Bool) { code += leaving(allowing: allowing) }
}
