import Glibc
import OCISpec

/// A profile of `--security-opt seccomp=FILE`: OCI's object, or Docker's and podman's superset of it with `archMap`,
/// `includes`, `excludes` and rules of a single `name`.
package struct SeccompDocument: JSONDocument {
    package let json: JSON

    package init(json: JSON) throws(DocumentError) {
        guard case .object = json else { throw DocumentError(reason: "is not an object") }
        guard json["defaultAction"]?.string != nil else {
            throw DocumentError(path: "defaultAction", reason: "is missing")
        }
        self.json = json
    }

    /// The rules that hold for these capabilities on this machine.
    package func profile(capabilities: [String], machine: String) throws(DocumentError) -> RuntimeSpec.Seccomp {
        var profile = RuntimeSpec.Seccomp(defaultAction: try json.required("defaultAction"))
        profile.defaultErrnoRet = try json.optional("defaultErrnoRet")
        profile.flags = try json.list("flags")
        profile.listenerPath = try json.optional("listenerPath")
        profile.architectures = try architectures(machine)
        let calls: [JSON] = try json.list("syscalls")
        for (index, call) in calls.enumerated() {
            do throws(DocumentError) {
                if let rule = try rule(call, capabilities: capabilities, machine: machine) {
                    profile.syscalls.append(rule)
                }
            } catch {
                throw DocumentError(path: "syscalls[\(index)].\(error.path)", reason: error.reason)
            }
        }
        return profile
    }

    /// `architectures`, or those that `archMap` gives to the machine's own.
    private func architectures(_ machine: String) throws(DocumentError) -> [String] {
        let plain: [String] = try json.list("architectures")
        let maps: [JSON] = try json.list("archMap")
        if !plain.isEmpty, !maps.isEmpty {
            throw DocumentError(path: "archMap", reason: "cannot be used together with architectures")
        }
        if maps.isEmpty { return plain }
        let own = Self.architectures(of: machine).first ?? ""
        for map in maps {
            let name: String = try map.required("architecture")
            if name == own { return [name] + (try map.list("subArchitectures")) }
        }
        return own.isEmpty ? [] : [own]
    }

    private func rule(
        _ call: JSON, capabilities: [String], machine: String
    ) throws(DocumentError) -> RuntimeSpec.Seccomp.Rule? {
        var names: [String] = try call.list("names")
        if let name: String = try call.optional("name") {
            guard names.isEmpty else { throw DocumentError(path: "name", reason: "cannot be used together with names") }
            names = [name]
        }
        if let wanted: JSON = try call.optional("includes") {
            let arches: [String] = try wanted.list("arches")
            let needed: [String] = try wanted.list("caps")
            if !arches.isEmpty, !arches.contains(where: Self.goNames(machine).contains) { return nil }
            if !needed.allSatisfy(capabilities.contains) { return nil }
            if let kernel: String = try wanted.optional("minKernel"), !Self.isKernel(atLeast: kernel) { return nil }
        }
        if let unwanted: JSON = try call.optional("excludes") {
            let arches: [String] = try unwanted.list("arches")
            let barred: [String] = try unwanted.list("caps")
            if arches.contains(where: Self.goNames(machine).contains) { return nil }
            if barred.contains(where: capabilities.contains) { return nil }
            if let kernel: String = try unwanted.optional("minKernel"), Self.isKernel(atLeast: kernel) { return nil }
        }
        var rule = RuntimeSpec.Seccomp.Rule(names: names, action: try call.required("action"))
        rule.errnoRet = try call.optional("errnoRet")
        rule.args = try call.list("args")
        return rule
    }

    /// What the kernel of such a machine runs, the machine's own first.
    package static func architectures(of machine: String) -> [String] {
        switch machine {
        case "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
        case "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
        case "s390x": ["SCMP_ARCH_S390X", "SCMP_ARCH_S390"]
        case "ppc64le": ["SCMP_ARCH_PPC64LE"]
        case "riscv64": ["SCMP_ARCH_RISCV64"]
        default: []
        }
    }

    /// The machine as Go and so these profiles name it.
    private static func goNames(_ machine: String) -> [String] {
        switch machine {
        case "x86_64": ["amd64"]
        case "aarch64": ["arm64"]
        case "armv7l": ["arm"]
        case "i686": ["x86", "386"]
        default: [machine]
        }
    }

    package static let kernelRelease: String = {
        var name = utsname()
        guard uname(&name) == 0 else { return "0.0" }
        return withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()

    /// `4.8`: major and minor count.
    private static func isKernel(atLeast text: String) -> Bool {
        func numbers(_ text: String) -> [Int] {
            text.split { !$0.isNumber }.prefix(2).map { Int($0) ?? 0 } + [0, 0]
        }
        let (wanted, own) = (numbers(text), numbers(kernelRelease))
        return (own[0], own[1]) >= (wanted[0], wanted[1])
    }
}
