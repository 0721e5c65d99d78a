import Glibc
import LinuxKernel
import OCISpec

/// Named volumes: `<data>/volumes/<name>/_data` and a record beside it, born by an atomic rename.
public struct VolumeStore: Sendable {
    /// `<data>/volumes`.
    public let root: String

    public init(root: String) {
        self.root = root
    }

    public struct Volume: Equatable, Sendable {
        public var name: String
        /// RFC 3339; empty where the record is missing.
        public var created: String = ""
        /// Made for one container, and removed with it by `--rm` and `rm -v`.
        public var isAnonymous: Bool = false
        public var labels: [String: String] = [:]
        /// Nothing was copied into it yet and no container has had it.
        public var isFresh: Bool = false

        public init(name: String) {
            self.name = name
        }
    }

    /// Where the files of a volume stand.
    public func dataPath(_ name: String) -> String { "\(root)/\(name)/_data" }

    public func volume(_ name: String) throws(EngineError) -> Volume? {
        try NamePolicy.check(name)
        guard (try? FileStatus.ifPresent(dataPath(name))) != nil else { return nil }
        var volume = Volume(name: name)
        guard let bytes = try? File.readIfPresent("\(root)/\(name)/volume.json", limit: 1 << 20),
            let record = try? JSON(parsing: bytes)
        else { return volume }
        volume.created = record["created"]?.string ?? ""
        volume.isAnonymous = record["anonymous"]?.bool ?? false
        volume.isFresh = record["fresh"]?.bool ?? false
        for member in record["labels"]?.members ?? [] { volume.labels[member.name] = member.value.string }
        return volume
    }

    /// By name.
    public func volumes() throws(EngineError) -> [Volume] {
        let entries: [DirectoryEntry]
        do { entries = try Directory.entries(at: root) } catch {
            throw EngineError(.failed, "list volumes: \(error)", cause: error)
        }
        var result: [Volume] = []
        for entry in entries where (try? NamePolicy.check(entry.name)) != nil {
            if let volume = try volume(entry.name) { result.append(volume) }
        }
        return result.sorted { $0.name < $1.name }
    }

    /// Makes the volume unless it is there. Two at once end with one.
    public func ensure(_ wanted: Volume) throws(EngineError) -> Volume {
        if let volume = try volume(wanted.name) { return volume }
        var made = wanted
        made.isFresh = true
        let temporary = "\(root)/.new-\(getpid())-\(wanted.name)"
        do throws(SyscallError) {
            try Directory.create("\(temporary)/_data")
            try File.writeAtomically(Self.record(made), to: "\(temporary)/volume.json", mode: 0o600)
            try check("rename", wanted.name) { rename(temporary, "\(root)/\(wanted.name)") }
        } catch {
            try? Directory.removeTree(temporary)
            if error.errno == EEXIST || error.errno == ENOTEMPTY, let volume = try volume(wanted.name) { return volume }
            throw EngineError(.failed, "create volume \(wanted.name): \(error)", cause: error)
        }
        return made
    }

    /// Removes the volume and what is in it; one that is gone is no error. Whether a container uses it is for the
    /// caller to know.
    public func remove(_ name: String) throws(EngineError) {
        try NamePolicy.check(name)
        let doomed = "\(root)/.old-\(getpid())-\(name)"
        do throws(SyscallError) {
            try check("rename", name) { rename("\(root)/\(name)", doomed) }
            try Directory.removeTree(doomed)
        } catch {
            if error.errno == ENOENT { return }
            throw EngineError(.failed, "remove volume \(name): \(error)", cause: error)
        }
    }

    /// Removes what a killed command has left half made or half removed.
    public func sweep() {
        for entry in (try? Directory.entries(at: root)) ?? [] {
            let parts = entry.name.split(separator: "-", maxSplits: 2)
            guard parts.count == 3, [".new", ".old"].contains(parts[0]), let pid = Int32(parts[1]),
                ProcessIdentity(runningAs: pid) == nil
            else { continue }
            try? Directory.removeTree("\(root)/\(entry.name)")
        }
    }

    /// Notes that the volume has been filled or used, so that nothing is copied into it again.
    package func markUsed(_ volume: Volume) throws(EngineError) {
        guard volume.isFresh else { return }
        var used = volume
        used.isFresh = false
        do {
            try File.writeAtomically(Self.record(used), to: "\(root)/\(volume.name)/volume.json", mode: 0o600)
        } catch {
            throw EngineError(.failed, "update volume \(volume.name): \(error)", cause: error)
        }
    }

    private static func record(_ volume: Volume) -> [UInt8] {
        JSON.object([
            JSON.Member("name", .string(volume.name)), JSON.Member("created", .string(volume.created)),
            JSON.Member("anonymous", .bool(volume.isAnonymous)), JSON.Member("fresh", .bool(volume.isFresh)),
            JSON.Member(
                "labels", .object(volume.labels.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })),
        ]).encoded()
    }

    /// 64 hexadecimal digits, as podman names anonymous volumes.
    package static func anonymousName() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
