import Glibc
import LinuxKernel
import OCISpec
import YAML

/// All the CDI documents of some directories.
///
/// Files that cannot be used are kept with the reason and do not stand in the way of the others. Directories count in
/// their order: a device of a later one takes the place of an earlier one's. Two files of one directory with the same
/// device leave that device without a meaning.
public struct CDIRegistry: Sendable {
    /// Static documents of the machine's administrator, and those that are made while it runs.
    public static let defaultDirectories = ["/etc/cdi", "/var/run/cdi"]

    public struct Entry: Equatable, Sendable {
        public var path: String
        /// The place of its directory in the order.
        public var priority: Int
        public var specification: CDISpecification
    }

    public struct Failure: Equatable, Sendable {
        public var path: String
        public var reason: String
    }

    public private(set) var entries: [Entry] = []
    public private(set) var failures: [Failure] = []

    /// Without documents; see ``add(_:path:priority:)``.
    public init() {}

    /// Reads the `.json` and `.yaml` files of the directories, in the order of their names; what is missing is empty.
    public init(directories: [String]) {
        for (priority, directory) in directories.enumerated() {
            let names: [String]
            do {
                names = try Directory.entries(at: directory).map(\.name)
            } catch {
                if error.errno != ENOTDIR { failures.append(Failure(path: directory, reason: "\(error)")) }
                continue
            }
            for name in names.sorted() where name.hasSuffix(".json") || name.hasSuffix(".yaml") {
                let path = "\(directory)/\(name)"
                do {
                    entries.append(Entry(path: path, priority: priority, specification: try Self.read(path)))
                } catch {
                    failures.append(Failure(path: path, reason: error.message))
                }
            }
        }
    }

    /// A document that stands in no file: what was discovered.
    public mutating func add(_ specification: CDISpecification, path: String, priority: Int) {
        entries.append(Entry(path: path, priority: priority, specification: specification))
    }

    /// One file, by its ending. The message does not repeat the path.
    public static func read(_ path: String) throws(CDIError) -> CDISpecification {
        let bytes: [UInt8]
        do {
            let file = try OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK)
            guard try FileStatus(descriptor: file.raw).kind == .regular else {
                throw CDIError(.invalid, "is not a regular file")
            }
            // Eight GPUs take some 60 kB.
            bytes = try file.readAll(limit: 8 << 20)
        } catch let error as SyscallError {
            throw CDIError(error.errno == EACCES ? .permission : .invalid, SyscallError.reason(error.errno))
        } catch let error as CDIError {
            throw error
        } catch {
            throw CDIError(.invalid, "\(error)")
        }
        do {
            return try CDISpecification(
                json: path.hasSuffix(".yaml") || path.hasSuffix(".yml")
                    ? try JSON(yaml: bytes) : try JSON(parsing: bytes))
        } catch {
            throw CDIError(.invalid, "\(error)")
        }
    }

    // MARK: - What there is

    public func hasKind(_ kind: CDIKind) -> Bool { entries.contains { $0.specification.kind == kind } }

    /// Every device that can be asked for, in order of kind; within one, in that of the documents.
    public var devices: [CDIName] {
        var names: [CDIName] = []
        for kind in Set(entries.map(\.specification.kind)).sorted() { names += devices(of: kind) }
        return names
    }

    /// The devices of one kind.
    public func devices(of kind: CDIKind) -> [CDIName] {
        var seen: Set<String> = []
        var names: [CDIName] = []
        for entry in entries where entry.specification.kind == kind {
            for device in entry.specification.devices where seen.insert(device.name).inserted {
                if let name = try? CDIName(kind, device.name), (try? find(name)) != nil { names.append(name) }
            }
        }
        return names
    }

    /// Devices that two documents of one directory claim, with the paths.
    public var conflicts: [(name: CDIName, paths: [String])] {
        var found: [(name: CDIName, paths: [String])] = []
        var seen: Set<CDIName> = []
        for entry in entries {
            for device in entry.specification.devices {
                guard let name = try? CDIName(entry.specification.kind, device.name), seen.insert(name).inserted
                else { continue }
                let claims = candidates(name)
                if claims.count > 1 { found.append((name, claims.map(\.path))) }
            }
        }
        return found
    }

    // MARK: - Resolving

    /// The edits of the devices with those of their documents, each once and in the order of the names.
    public func resolve(_ names: [CDIName]) throws(CDIError) -> ContainerEdits {
        var edits = ContainerEdits()
        var documents: Set<String> = []
        var done: Set<CDIName> = []
        for name in names where done.insert(name).inserted {
            let (entry, device) = try find(name)
            if documents.insert(entry.path).inserted { edits.merge(entry.specification.edits) }
            edits.merge(device.edits)
        }
        return edits
    }

    /// The document and the device of a name.
    public func find(_ name: CDIName) throws(CDIError) -> (entry: Entry, device: CDISpecification.Device) {
        let claims = candidates(name)
        if claims.count > 1 {
            throw CDIError(
                .conflict,
                "unresolvable CDI device \(name): conflicting definitions in "
                    + claims.map(\.path.printable).joined(separator: " and "))
        }
        if let entry = claims.first, let device = entry.specification.device(name.device) { return (entry, device) }
        throw missing(name)
    }

    /// Those of the highest priority that have the device.
    private func candidates(_ name: CDIName) -> [Entry] {
        let claims = entries.filter {
            $0.specification.kind == name.kind && $0.specification.device(name.device) != nil
        }
        let highest = claims.map(\.priority).max()
        return claims.filter { $0.priority == highest }
    }

    private func missing(_ name: CDIName) -> CDIError {
        var reason: String
        let kinds = Set(entries.map(\.specification.kind))
        if kinds.contains(name.kind) {
            let known = devices(of: name.kind).map(\.device)
            reason = "no such device, there are \(known.joined(separator: ", "))"
        } else if kinds.contains(where: { $0.vendor == name.kind.vendor }) {
            let known = kinds.filter { $0.vendor == name.kind.vendor }.map(\.deviceClass).sorted()
            reason =
                "vendor \(name.kind.vendor) has no class \(name.kind.deviceClass), it has "
                + known.joined(separator: ", ")
        } else {
            reason = "no specification of vendor \(name.kind.vendor)"
        }
        if !failures.isEmpty {
            let named = failures.map { "\($0.path.printable): \($0.reason)" }.joined(separator: "; ")
            reason += " (not usable: \(named))"
        }
        return CDIError(.notFound, "unresolvable CDI device \(name): \(reason)")
    }
}
