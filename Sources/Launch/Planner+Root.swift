import Glibc
import LinuxKernel
import OCISpec

extension Planner {
    /// The root's parts, opened while this process may open what the caller may.
    enum PlannedRoot {
        case tree(Slot, anchor: Slot)
        case overlay(Layers)
    }

    /// What masks cover with.
    struct Masks {
        var file: Slot
        var directory: Slot
    }

    mutating func planLayers(_ rootfs: RootFilesystem) throws(PlanError) -> PlannedRoot {
        switch rootfs {
        case .directory(let path):
            try Planner.requireAbsolute(path, "root")
            let tree = newSlot()
            let anchor = newSlot()
            add(.takeTree(.path(path), recursive: true, into: tree))
            add(.open(path, .directory, in: nil, into: anchor))
            return .tree(tree, anchor: anchor)
        case .overlay(let lower, let objects, let upper, let work):
            let slots = try [lower, upper, work].map { path throws(PlanError) in
                try Planner.requireAbsolute(path, "layer")
                return openDirectory(path)
            }
            let data = objects.map { openDirectory($0) }
            return .overlay(Layers(lower: slots[0], objects: data, upper: slots[1], work: slots[2]))
        }
    }

    private mutating func openDirectory(_ path: String) -> Slot {
        let slot = newSlot()
        add(.open(path, .directory, in: nil, into: slot))
        return slot
    }

    mutating func planMaskFile() -> Masks {
        let masks = Masks(file: newSlot(), directory: newSlot())
        add(.open("/dev/null", .path, in: nil, into: masks.file))
        return masks
    }

    /// The root, mounted where only this namespace sees it.
    mutating func planRoot(_ planned: PlannedRoot, propagation: String?, masks: Masks?) throws(PlanError) {
        if !own.contains(.user) {
            // A namespace with a new owner is a slave of the old one by itself; here mounts would be seen outside.
            add(
                .change(
                    .path("/"),
                    MountChange(
                        propagation: propagation?.hasSuffix("private") ?? false ? .private : .slave, recursive: true)))
        }
        var anchor: Slot
        switch planned {
        case .tree(let tree, let place): (root, anchor) = (tree, place)
        case .overlay(let layers):
            root = newSlot()
            add(.mountOverlay(layers, into: root))
            // Any directory of the old root serves: it goes away with it.
            anchor = layers.work
        }
        if let masks {
            // One empty directory covers all that is masked, instead of a file system for each.
            add(
                .mount(
                    FileSystem(
                        type: "tmpfs", source: "tmpfs", parameters: ["nr_inodes=2", "mode=755"],
                        attributes: [.readOnly, .noSetuid, .noDevices, .noExecute]),
                    into: masks.directory))
            add(.cover(anchor, with: masks.directory, name: "masks"))
            anchor = masks.directory
        }
        if case .tree = planned {
            add(.change(.slot(root, name: "/"), MountChange(propagation: .private, recursive: true)))
        }
        if let nodes = nodeSystem {
            // Mounted in this namespace, so that its nodes can be bound from it.
            add(.cover(anchor, with: nodes, name: "devices"))
            anchor = nodes
        }
        add(.cover(anchor, with: root, name: "root"))
        refuseLinks()
    }

    /// A root whose /dev, /proc or /sys is a link to somewhere else would have what belongs there mounted and made
    /// elsewhere (CVE-2026-47766).
    private mutating func refuseLinks() {
        for path in ["/dev", "/proc", "/sys"] {
            add(.open(path, .realDirectory, in: root, into: newSlot()), tolerating: [ENOENT])
        }
    }

    /// Late, so that nothing above has to pass by it.
    mutating func planProtection(_ linux: RuntimeSpec.Linux, masks: Masks?) {
        // A path that this kernel does not have needs no protection.
        for path in linux.readonlyPaths { add(.makeReadOnly(path, in: root), tolerating: [ENOENT, ENOTDIR]) }
        guard let masks else { return }
        for path in linux.maskedPaths {
            add(.mask(path, in: root, directory: masks.directory, file: masks.file), tolerating: [ENOENT, ENOTDIR])
        }
    }

    /// The root becomes the root.
    mutating func planEntry(_ spec: RuntimeSpec, propagation: String?) throws(PlanError) {
        if spec.root?.readonly ?? false {
            add(.change(.slot(root, name: "/"), MountChange(set: .readOnly)))
        }
        add(.enterRoot(root, pivots: !options.noPivot))
        guard let propagation, !propagation.isEmpty else { return }
        let words = MountWords([propagation])
        guard let kind = words.propagation else { throw PlanError("rootfsPropagation \(propagation): unknown") }
        if kind == .private { return }
        add(.change(.slot(root, name: "/"), MountChange(propagation: kind, recursive: words.propagationIsRecursive)))
    }

    mutating func planWorkingDirectory(_ process: RuntimeSpec.Process) {
        guard options.createsWorkingDirectory, process.cwd != "/", process.cwd.hasPrefix("/") else { return }
        // Where it cannot be made, changing into it says so.
        add(
            .makeDirectory(process.cwd, in: root, uid: process.user.uid, gid: process.user.gid),
            tolerating: [EROFS, EACCES, ENOTDIR, ELOOP])
    }

    static func requireAbsolute(_ path: String, _ what: String) throws(PlanError) {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw PlanError("\(what) \(path): not an absolute path")
        }
    }
}
