import LinuxKernel
import OCISpec

extension SeccompPolicy {
    /// A profile as the kernel's program: an array of `struct sock_filter` as bytes.
    /// - Throws: `.invalid` and `.unsupported` for what it cannot mean.
    public static func compile(_ profile: RuntimeSpec.Seccomp) throws(EngineError) -> [UInt8] {
        let fallback = try action(profile.defaultAction, profile.defaultErrnoRet)
        do {
            var filter = try SeccompFilter(defaultAction: fallback)
            for name in profile.architectures {
                try filter.addArchitecture(architecture(name))
            }
            for rule in profile.syscalls {
                let verdict = try action(rule.action, rule.errnoRet)
                let conditions = try rule.args.map { argument throws(EngineError) in try comparison(argument) }
                for name in rule.names { try filter.add(verdict, call: name, where: conditions) }
            }
            return try filter.program()
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.failed, "compile seccomp profile: \(error)", cause: error)
        }
    }

    /// SECCOMP_FILTER_FLAG_* bits. With a listener the kernel says ESRCH where threads could not be synchronised, which
    /// it can tell from a descriptor only so.
    package static func flags(_ profile: RuntimeSpec.Seccomp, hasListener: Bool) throws(EngineError) -> UInt32 {
        var bits: UInt32 = hasListener ? 0x08 : 0
        for name in profile.flags {
            switch name {
            case "SECCOMP_FILTER_FLAG_TSYNC": bits |= hasListener ? 0x01 | 0x10 : 0x01
            case "SECCOMP_FILTER_FLAG_LOG": bits |= 0x02
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": bits |= 0x04
            case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
                guard hasListener else {
                    throw EngineError(.invalid, "seccomp profile: \(name) without SCMP_ACT_NOTIFY")
                }
                bits |= 0x20
            default: throw EngineError(.unsupported, "seccomp profile: flag \(name) is not supported")
            }
        }
        return bits
    }

    /// Whether somebody else is asked about some calls.
    package static func asksListener(_ profile: RuntimeSpec.Seccomp) throws(EngineError) -> Bool {
        let asks =
            profile.defaultAction == "SCMP_ACT_NOTIFY" || profile.syscalls.contains { $0.action == "SCMP_ACT_NOTIFY" }
        guard asks else { return profile.listenerPath != nil }
        guard profile.listenerPath != nil else {
            throw EngineError(.invalid, "seccomp profile: SCMP_ACT_NOTIFY without listenerPath")
        }
        // The process itself sends the listener's descriptor, after the filter is in force.
        let own = profile.syscalls.contains { $0.action == "SCMP_ACT_NOTIFY" && $0.names.contains("sendmsg") }
        guard !own, profile.defaultAction != "SCMP_ACT_NOTIFY" else {
            throw EngineError(.unsupported, "seccomp profile: sendmsg cannot be left to the listener")
        }
        return true
    }

    /// `SCMP_ARCH_X86_64` as libseccomp's `x86_64`.
    private static func architecture(_ name: String) -> String {
        let prefix = "SCMP_ARCH_"
        return (name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name).lowercased()
    }

    private static func action(_ name: String, _ number: UInt32?) throws(EngineError) -> SeccompFilter.Action {
        // EPERM where the profile names no number.
        let value = UInt16(clamping: number ?? 1)
        switch name {
        case "SCMP_ACT_ALLOW": return .allow
        case "SCMP_ACT_ERRNO": return .errno(value)
        case "SCMP_ACT_LOG": return .log
        case "SCMP_ACT_TRAP": return .trap
        case "SCMP_ACT_TRACE": return .trace(value)
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return .killThread
        case "SCMP_ACT_KILL_PROCESS": return .killProcess
        case "SCMP_ACT_NOTIFY": return .notify
        default: throw EngineError(.unsupported, "seccomp profile: action \(name) is not supported")
        }
    }

    private static func comparison(
        _ argument: RuntimeSpec.Seccomp.Argument
    ) throws(EngineError) -> SeccompFilter.Comparison {
        let operation: SeccompFilter.Comparison.Operation
        switch argument.op {
        case "SCMP_CMP_NE": operation = .notEqual
        case "SCMP_CMP_LT": operation = .less
        case "SCMP_CMP_LE": operation = .lessOrEqual
        case "SCMP_CMP_EQ": operation = .equal
        case "SCMP_CMP_GE": operation = .greaterOrEqual
        case "SCMP_CMP_GT": operation = .greater
        case "SCMP_CMP_MASKED_EQ": operation = .maskedEqual
        default: throw EngineError(.invalid, "seccomp profile: unknown comparison \(argument.op)")
        }
        guard argument.index < 6 else {
            throw EngineError(.invalid, "seccomp profile: system calls have no argument \(argument.index)")
        }
        return SeccompFilter.Comparison(
            index: argument.index, operation: operation, value: argument.value, second: argument.valueTwo)
    }
}
