import ContainerEngine
import OCISpec

extension RuntimeSpec.ResourceLimit {
    /// `--ulimit NAME=SOFT[:HARD]`, -1 for none.
    package init(ulimit text: String) throws(CommandError) {
        let (name, limits) = splitPair(text)
        guard let limits, !limits.isEmpty else { throw CommandError("ulimit requires NAME=SOFT:HARD") }
        let known = [
            "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
            "rttime", "sigpending", "stack", "as",
        ]
        var lower = name.lowercased()
        if lower.hasPrefix("rlimit_") { lower = String(lower.dropFirst(7)) }
        guard known.contains(lower) else { throw CommandError("invalid ulimit type: \(name)") }
        let (softText, hardText) = splitPair(limits, at: UInt8(ascii: ":"))
        let soft = try Self.limit(softText)
        let hard = try hardText.map(Self.limit) ?? soft
        guard soft <= hard else {
            throw CommandError("ulimit soft limit must be less than or equal to hard limit: \(softText) > \(hard)")
        }
        self.init(type: "RLIMIT_" + lower.uppercased(), soft: soft, hard: hard)
    }

    private static func limit(_ text: String) throws(CommandError) -> UInt64 {
        text == "-1" || text == "unlimited" ? .max : try parseInteger(text)
    }
}

extension ContainerConfiguration.RestartPolicy {
    /// `--restart no|always|on-failure[:N]|unless-stopped`.
    package static func parse(_ text: String) throws(CommandError) -> ContainerConfiguration.RestartPolicy {
        let (name, count) = splitPair(text, at: UInt8(ascii: ":"))
        switch (name, count) {
        case ("", nil), ("no", nil), ("never", nil): return .no
        case ("always", nil): return .always
        case ("unless-stopped", nil): return .unlessStopped
        case ("on-failure", nil): return .onFailure(maximumRetries: nil)
        case ("on-failure", let count?): return .onFailure(maximumRetries: try parseInteger(count))
        case (_, nil): throw CommandError("unknown restart policy")
        default: throw CommandError("restart policy retries can only be specified with on-failure")
        }
    }
}

/// `--entrypoint`: a JSON array of words, or one word; the empty word clears the image's.
package func parseEntrypoint(_ text: String) -> [String] {
    if text.isEmpty { return [] }
    // As podman, what does not read as an array of strings is a command's name.
    if text.hasPrefix("["), let words = (try? JSON(parsing: text))?.array {
        let strings = words.compactMap(\.string)
        if strings.count == words.count { return strings }
    }
    return [text]
}

/// A signal's number, from its name or number.
package func parseSignal(_ text: String) throws(CommandError) -> Int32 {
    do {
        return try SignalNumber.parse(text)
    } catch { throw CommandError(error.message) }
}

/// `--umask`, up to four octal digits.
package func parseUmask(_ text: String) throws(CommandError) -> UInt32 {
    guard (1...4).contains(text.utf8.count), let value = UInt32(text, radix: 8), value <= 0o777 else {
        throw CommandError("invalid umask")
    }
    return value
}

/// `KEY=VALUE`, both there.
package func parseSetting(_ text: String) throws(CommandError) -> (name: String, value: String) {
    let (name, value) = splitPair(text)
    guard !name.isEmpty, let value else { throw CommandError("must be in the form of KEY=VALUE") }
    return (name, value)
}

extension SecurityOptions {
    /// One `--security-opt`, `NAME`, `NAME=VALUE` or docker's older `NAME:VALUE`.
    package mutating func take(_ text: String, caller: Caller) throws(CommandError) {
        var (name, value) = splitPair(text)
        if value == nil { (name, value) = splitPair(text, at: UInt8(ascii: ":")) }
        switch (name, value) {
        case ("no-new-privileges", nil): noNewPrivileges = true
        case ("no-new-privileges", let value?): noNewPrivileges = try parseBool(value)
        case ("seccomp", "unconfined"): seccomp = .unconfined
        case ("seccomp", let path?) where !path.isEmpty: seccomp = .file(caller.absolute(path))
        case ("mask", let paths?): mask += paths.split(separator: ":").map(String.init)
        case ("unmask", let paths?): unmask += paths.split(separator: ":").map(String.init)
        case ("systempaths", "unconfined"): unmask.append("ALL")
        // Neither SELinux nor AppArmor confines our containers, so there is nothing to switch off or to choose.
        case ("label", _?), ("apparmor", _?): break
        case ("proc-opts", _?): throw CommandError("proc-opts is not supported yet")
        default: throw CommandError("invalid --security-opt: \(quoted(text))")
        }
    }
}

extension LogOptions {
    /// One `--log-opt NAME=VALUE`; a warning for what we have no use for.
    package mutating func take(_ text: String, caller: Caller, warnings: inout [String]) throws(CommandError) {
        let (name, value) = splitPair(text)
        guard let value else { throw CommandError("invalid log option \(quoted(text))") }
        switch name {
        case "path": path = caller.absolute(value)
        case "max-size": maximumSize = value == "-1" ? nil : try parseSize(value)
        case "tag": tag = value
        default: warnings.append("--log-opt \(name): has no effect on a k8s-file log")
        }
    }
}

extension LogOptions.Driver {
    /// `--log-driver`. podman takes docker's `json-file` as another name of `k8s-file`, and so do we.
    package static func parse(_ text: String) throws(CommandError) -> LogOptions.Driver? {
        switch text {
        case "": return nil
        case "json-file": return .k8sFile
        case "journald", "passthrough-tty", "syslog", "fluentd": throw CommandError("not supported yet")
        default:
            guard let driver = LogOptions.Driver(rawValue: text) else { throw CommandError("invalid log driver") }
            return driver
        }
    }
}
