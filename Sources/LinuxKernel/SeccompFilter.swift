import CSeccomp
import Glibc

/// System call rules, compiled to the kernel's filter program by libseccomp. Nothing is loaded here.
public struct SeccompFilter: ~Copyable {
    private let context: scmp_filter_ctx
    private let defaultAction: Action

    /// What the kernel does about a call.
    public enum Action: Equatable, Sendable {
        case allow, log, killThread, killProcess, trap
        /// Asks the listener.
        case notify
        case errno(UInt16)
        case trace(UInt16)

        fileprivate var code: UInt32 {
            switch self {
            case .allow: 0x7FFF_0000
            case .log: 0x7FFC_0000
            case .killThread: 0
            case .killProcess: 0x8000_0000
            case .trap: 0x0003_0000
            case .notify: 0x7FC0_0000
            case .errno(let number): 0x0005_0000 | UInt32(number)
            case .trace(let number): 0x7FF0_0000 | UInt32(number)
            }
        }
    }

    /// A condition on one of the call's arguments.
    public struct Comparison: Equatable, Sendable {
        public var index: UInt32
        public var operation: Operation
        public var value: UInt64
        /// For `maskedEqual` the value, `value` being the mask.
        public var second: UInt64

        public enum Operation: Sendable {
            case notEqual, less, lessOrEqual, equal, greaterOrEqual, greater, maskedEqual
        }

        public init(index: UInt32, operation: Operation, value: UInt64, second: UInt64 = 0) {
            self.index = index
            self.operation = operation
            self.value = value
            self.second = second
        }

        fileprivate var native: scmp_arg_cmp {
            let op: scmp_compare =
                switch operation {
                case .notEqual: SCMP_CMP_NE
                case .less: SCMP_CMP_LT
                case .lessOrEqual: SCMP_CMP_LE
                case .equal: SCMP_CMP_EQ
                case .greaterOrEqual: SCMP_CMP_GE
                case .greater: SCMP_CMP_GT
                case .maskedEqual: SCMP_CMP_MASKED_EQ
                }
            return scmp_arg_cmp(arg: index, op: op, datum_a: value, datum_b: second)
        }
    }

    /// A filter for the machine's own architecture.
    public init(defaultAction: Action) throws(SyscallError) {
        guard let context = seccomp_init(defaultAction.code) else {
            throw SyscallError("seccomp_init", errno: EINVAL)
        }
        self.context = context
        self.defaultAction = defaultAction
        // A binary tree instead of a list: some 400 comparisons before every call become nine.
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
    }

    deinit {
        seccomp_release(context)
    }

    /// A further architecture whose programs the kernel runs too; by libseccomp's name, `x86_64`, `x32`, `arm`. One
    /// that libseccomp does not know is passed over, as is one of another byte order.
    public mutating func addArchitecture(_ name: String) throws(SyscallError) {
        let token = seccomp_arch_resolve_name(name)
        guard token != 0 else { return }
        let code = seccomp_arch_add(context, token)
        if code == -EEXIST || code == -EDOM { return }
        guard code == 0 else { throw SyscallError("seccomp_arch_add", name, errno: -code) }
    }

    /// One rule. A call of a name that libseccomp does not know is passed over: the default action is for those.
    /// Of several rules without conditions for one call the first holds.
    public mutating func add(
        _ action: Action, call name: String, where conditions: [Comparison] = []
    ) throws(SyscallError) {
        // libseccomp refuses rules that say what the default says.
        if action == defaultAction { return }
        let number = seccomp_syscall_resolve_name(name)
        guard number != -1 else { return }
        let native = conditions.map(\.native)
        let code = seccomp_rule_add_array(context, action.code, number, UInt32(native.count), native)
        // EDOM: on none of the architectures; EEXIST: said already.
        if code == -EDOM || code == -EEXIST { return }
        guard code == 0 else { throw SyscallError("seccomp_rule_add", name, errno: -code) }
    }

    /// The program: an array of `struct sock_filter`, 8 bytes each.
    public func program() throws(SyscallError) -> [UInt8] { FilterCompaction.compacted(try exported()) }

    /// The program as libseccomp makes it.
    package func exported() throws(SyscallError) -> [UInt8] {
        let file = try OwnedDescriptor.memoryFile(named: "seccomp")
        let code = seccomp_export_bpf(context, file.raw)
        guard code == 0 else { throw SyscallError("seccomp_export_bpf", errno: -code) }
        try check("lseek") { lseek(file.raw, 0, SEEK_SET) }
        return try file.readAll(limit: 1 << 20)
    }
}

extension FilterCompaction {
    /// The same in bytes. What cannot be made shorter comes back as it is.
    package static func compacted(_ program: [UInt8]) -> [UInt8] {
        let instructions = stride(from: 0, to: program.count - 7, by: 8).map { at in
            program.withUnsafeBytes { bytes in
                Instruction(
                    code: bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self), onTrue: bytes[at + 2],
                    onFalse: bytes[at + 3], value: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self))
            }
        }
        guard let short = compacted(instructions) else { return program }
        var bytes: [UInt8] = []
        for instruction in short {
            withUnsafeBytes(of: instruction.code) { bytes += $0 }
            bytes += [instruction.onTrue, instruction.onFalse]
            withUnsafeBytes(of: instruction.value) { bytes += $0 }
        }
        return bytes
    }
}
