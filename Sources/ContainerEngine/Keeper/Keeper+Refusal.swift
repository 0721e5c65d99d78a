import Glibc
import LinuxKernel

extension Keeper {
    /// A kernel that refuses user namespaces does so by one of three settings: the error names the one.
    package static func explain(_ error: SyscallError) -> EngineError {
        explain(error) { path in
            guard let text = try? File.read(path, limit: 64) else { return nil }
            return Int64(String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace).first ?? "")
        }
    }

    /// - Parameter setting: the number in a file of /proc/sys; nil where it does not exist.
    package static func explain(_ error: SyscallError, setting: (String) -> Int64?) -> EngineError {
        guard [EPERM, EACCES, ENOSPC, EUSERS].contains(error.errno) else {
            return EngineError(.failed, "create user namespace: \(error)", cause: error)
        }
        let settings: [(name: String, refusing: (Int64) -> Bool, wanted: String)] = [
            ("user.max_user_namespaces", { $0 == 0 }, "15000"),
            // Debian's and Arch's patch.
            ("kernel.unprivileged_userns_clone", { $0 == 0 }, "1"),
            // Ubuntu from 23.10: the namespace comes about, without any capability in it.
            ("kernel.apparmor_restrict_unprivileged_userns", { $0 != 0 }, "0"),
        ]
        for (name, refusing, wanted) in settings {
            let path = "/proc/sys/" + String(name.map { $0 == "." ? "/" : $0 })
            if let value = setting(path), refusing(value) {
                return EngineError(
                    .permission,
                    "create user namespace: forbidden by sysctl \(name)=\(value) (sysctl -w \(name)=\(wanted) allows it)",
                    cause: error)
            }
        }
        if error.errno == ENOSPC || error.errno == EUSERS {
            return EngineError(
                .failed, "create user namespace: limit of sysctl user.max_user_namespaces reached", cause: error)
        }
        return EngineError(
            .permission,
            "create user namespace: \(SyscallError.reason(error.errno)) (a seccomp or security module rule forbids it)",
            cause: error)
    }
}
