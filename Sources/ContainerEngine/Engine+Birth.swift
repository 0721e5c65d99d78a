import Glibc
import ImageStore
import LinuxKernel
import OCISpec

extension Engine {
    /// Makes the container's directory with everything in it, and gives it its name: all of it, or nothing.
    func give(
        birthTo id: String, _ configuration: ContainerConfiguration, _ origin: Origin, mark: ActiveMark
    ) throws(EngineError) -> NewContainer {
        StartTrace.enter(.create)
        if configuration.replace, let name = configuration.name, let old = try? container(name), old.name == name {
            try remove(old, force: true)
        }
        try mark.set(in: session.layout)
        var claimed: String?
        do throws(EngineError) {
            let directory = try store.beginBirth(id)
            let created = Timestamp.now()
            let name = try claimName(configuration.name, for: id)
            claimed = name
            let identity = ContainerIdentity(
                id: id, name: name, directory: session.layout.container(id), created: created.description)
            var specification = try specify(configuration, origin, identity)
            try fill(directory, specification, origin, identity)
            if specification.runtime.hooks != nil {
                try doing("write config.json") { () throws(SyscallError) in
                    try File.writeAtomically(
                        ContainerHooks.configuration(specification, directory: identity.directory), to: "config.json",
                        in: directory.raw, mode: 0o600)
                }
            }
            specification.files = []
            specification.rootEntries = []
            let record = ContainerRecord(identity, configuration, origin, specification, created: created)
            try doing("write container \(id.prefix(12))") { () throws(SyscallError) in
                let file = try directory.open("container.json", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                try file.writeAll(record.encoded())
            }
            try store.finishBirth(id)
            note(.create, record)
            return NewContainer(record: record, directory: directory)
        } catch {
            store.abandonBirth(id, name: claimed)
            mark.clear(in: session.layout)
            throw error
        }
    }

    /// What OCI says about a container that is to be made.
    func specify(
        _ configuration: ContainerConfiguration, _ origin: Origin, _ identity: ContainerIdentity
    ) throws(EngineError) -> Specification {
        let builder = try SpecificationBuilder(
            configuration, identity: identity, caller: session.caller, image: origin.image.map(Engine.facts),
            root: origin.view, surroundings: origin.surroundings, userNamespace: origin.userNamespace)
        let specification = try builder.build()
        if let image = origin.image {
            let name = image.names.first ?? image.id.hex
            try RayFaults(specification, imageName: name, root: origin.view, raylet: origin.raylet)?.check()
        }
        for warning in specification.warnings { settings.warn(warning) }
        return specification
    }

    static func facts(_ image: StoredImage) -> ImageFacts {
        ImageFacts(id: image.id.hex, name: image.names.first ?? image.id.hex, execution: image.config.config)
    }

    private func claimName(_ wanted: String?, for id: String) throws(EngineError) -> String {
        if let wanted {
            try store.claim(wanted, for: id)
            return wanted
        }
        for attempt in 0... {
            let name = ContainerID.makeName() + (attempt < 8 ? "" : "_\(id.prefix(6))")
            do {
                try store.claim(name, for: id)
                return name
            } catch  where error.code == .exists && attempt < 16 {
                continue
            }
        }
        preconditionFailure()
    }

    /// Layer, files, volumes.
    private func fill(
        _ directory: borrowing OwnedDescriptor, _ specification: Specification, _ origin: Origin,
        _ identity: ContainerIdentity
    ) throws(EngineError) {
        let raw = directory.raw
        let linux = specification.runtime.linux ?? RuntimeSpec.Linux()
        let born = session.layout.unborn(identity.id)
        let tree: String
        switch origin.root {
        case .tree(let path, _):
            tree = path
            try doing("create container's layer") { () throws(SyscallError) in
                // The merged root is the upper directory's: it looks like the image's.
                let root = try FileStatus(path)
                try Engine.makeDirectory("upper", in: raw, mode: root.permissions, uid: root.uid, gid: root.gid)
                // The container's root works in it, whoever that is here.
                try Engine.makeDirectory(
                    "work", in: raw, mode: 0o700, uid: UserNamespacePlan.outside(0, linux.uidMappings) ?? 0,
                    gid: UserNamespacePlan.outside(0, linux.gidMappings) ?? 0)
            }
            try specification.writeRootEntries(layer: born + "/upper", lower: path)
        case .directory(let path):
            tree = path
            try specification.writeRootEntries(layer: path, lower: nil)
        }
        try doing("write container's files") { () throws(SyscallError) in
            for file in specification.files { try Engine.write(file, in: raw, below: born) }
            for change in specification.ownershipChanges {
                try Directory.changeOwner(of: change.path, uid: change.uid, gid: change.gid)
            }
        }
        try VolumeStore(root: session.layout.volumes).prepare(
            specification, tree: tree, root: origin.view, created: identity.created)
    }

    private static func makeDirectory(
        _ name: String, in directory: Int32, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SyscallError) {
        try check("mkdirat", name) { mkdirat(directory, name, 0o700) }
        if uid != 0 || gid != 0 {
            try check("fchownat", name) { fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW) }
        }
        if mode != 0o700 { try check("fchmodat", name) { fchmodat(directory, name, mode_t(mode), 0) } }
    }

    private static func write(
        _ file: Specification.PreparedFile, in directory: Int32, below born: String
    ) throws(SyscallError) {
        if let cut = file.name.utf8.lastIndex(of: UInt8(ascii: "/")) {
            let parent = String(file.name[..<cut])
            if mkdirat(directory, parent, 0o711) != 0, errno != EEXIST {
                try Directory.create("\(born)/\(parent)", mode: 0o711)
            }
        }
        let flags = O_WRONLY | O_CREAT | O_EXCL
        let target = try OwnedDescriptor.open("\(born)/\(file.name)", flags, mode: mode_t(file.mode))
        try target.writeAll(file.contents)
        if file.uid != 0 || file.gid != 0 {
            try check("fchown", file.name) { fchown(target.raw, file.uid, file.gid) }
        }
        // Past the caller's umask.
        try check("fchmod", file.name) { fchmod(target.raw, mode_t(file.mode)) }
    }
}
