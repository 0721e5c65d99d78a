import Glibc
import LinuxKernel
import OCISpec

/// SONAMEs of libraries, remembered by the file's size and time: reading forty files' headers costs more than a start
/// may take.
public struct LibraryFacts: Sendable {
    public struct Fact: Equatable, Sendable {
        /// The SONAME, or the file's own name where it has none.
        public var name: String
        /// For the linker's cache; nil for an architecture that is not known.
        public var flags: UInt32?

        public init(name: String, flags: UInt32?) {
            self.name = name
            self.flags = flags
        }
    }

    private var known: [String: (stamp: String, fact: Fact)] = [:]
    private var hasChanged = false
    private let file: String?

    /// - Parameter file: where the facts are kept; nil keeps none.
    public init(file: String?) {
        self.file = file
        guard let file, let bytes = (try? File.readIfPresent(file, limit: 8 << 20)) ?? nil,
            let json = try? JSON(parsing: bytes), let members = json.members
        else { return }
        for member in members {
            guard let list = member.value.array, list.count == 3, let stamp = list[0].string, let name = list[1].string
            else { continue }
            let flags = list[2].unsigned.flatMap { UInt32(exactly: $0) }
            known[member.name] = (stamp, Fact(name: name, flags: flags))
        }
    }

    /// nil for a file that is no shared object.
    public mutating func fact(_ path: String) -> Fact? {
        guard let status = try? FileStatus(path, following: true), status.kind == .regular else { return nil }
        let stamp = "\(status.size).\(status.modified.seconds).\(status.modified.nanoseconds).\(status.inode)"
        if let known = known[path], known.stamp == stamp { return known.fact }
        guard let object = ELFObject(path) else { return nil }
        let fact = Fact(name: object.soname ?? path.lastPart, flags: LinkerCache.flags(for: object))
        known[path] = (stamp, fact)
        hasChanged = true
        return fact
    }

    /// Writes what is new. Not being able to is no error.
    public func save() {
        guard hasChanged, let file else { return }
        let members = known.keys.sorted().map { path -> JSON.Member in
            let (stamp, fact) = known[path]!
            return .init(
                path, .array([.string(stamp), .string(fact.name), fact.flags.map { .integer(Int64($0)) } ?? .null]))
        }
        try? File.writeAtomically(JSON.object(members).encoded(), to: file, mode: 0o600)
    }
}
