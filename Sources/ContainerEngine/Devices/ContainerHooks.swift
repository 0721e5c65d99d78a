import Launch
import OCISpec

/// The hooks of a container's specification: those of device vendors that are not done natively.
///
/// They find the container's directory as their bundle, with a `config.json` in it. Its `root.path` leads to the root
/// in the container's own mount namespace, which hooks from `createContainer` on run in.
struct ContainerHooks {
    private let hooks: RuntimeSpec.Hooks
    private let spec: RuntimeSpec
    private let id: String
    private let bundle: String
    private let created: String

    init(_ record: ContainerRecord, layout: DataLayout) {
        spec = record.specification.runtime
        hooks = spec.hooks ?? RuntimeSpec.Hooks()
        id = record.id
        bundle = layout.container(record.id)
        created = record.created.description
    }

    /// The moments of the launch at which there is something to do.
    var moments: [LaunchMoment] {
        var moments: [LaunchMoment] = []
        if !(hooks.prestart.isEmpty && hooks.createRuntime.isEmpty && hooks.createContainer.isEmpty) {
            moments.append(.mounted)
        }
        if !hooks.startContainer.isEmpty { moments.append(.starting) }
        return moments
    }

    /// A hook that fails fails the start.
    func run(at moment: LaunchMoment, pid: Int32) throws(EngineError) {
        switch moment {
        case .created: break
        case .mounted:
            let state = state(.creating, pid)
            for hook in hooks.prestart { try OCIHook(hook, kind: "prestart").run(state: state) }
            for hook in hooks.createRuntime { try OCIHook(hook, kind: "createRuntime").run(state: state) }
            for hook in hooks.createContainer {
                try OCIHook(hook, kind: "createContainer").run(state: state, joining: pid)
            }
        case .starting:
            for hook in hooks.startContainer {
                // A program of the image, by the specification: the root is entered already.
                try OCIHook(hook, kind: "startContainer").run(
                    state: state(.created, pid), joining: pid, insideRoot: true)
            }
        }
    }

    /// After the start, and after the end; what goes wrong there changes nothing, and is told.
    func runPoststart(pid: Int32, warn: (String) -> Void) {
        for hook in hooks.poststart { attempt(hook, "poststart", state(.running, pid), warn) }
    }

    func runPoststop(warn: (String) -> Void) {
        for hook in hooks.poststop { attempt(hook, "poststop", state(.stopped, 0), warn) }
    }

    private func attempt(_ hook: RuntimeSpec.Hook, _ kind: String, _ state: OCIState, _ warn: (String) -> Void) {
        do { try OCIHook(hook, kind: kind).run(state: state) } catch { warn("\(error)") }
    }

    private func state(_ status: OCIStatus, _ pid: Int32) -> OCIState {
        var state = OCIState(id: id, status: status, bundle: bundle, created: created)
        state.pid = pid
        state.rootfs = Self.root(bundle)
        state.annotations = spec.annotations
        return state
    }

    /// Where the launch mounts the root, as only the container's mount namespace shows it.
    private static func root(_ bundle: String) -> String { bundle + "/work" }

    /// `config.json`, for hooks to read.
    static func configuration(_ specification: Specification, directory: String) -> [UInt8] {
        var spec = specification.runtime
        spec.root = RuntimeSpec.Root(path: root(directory), readonly: spec.root?.readonly ?? false)
        return spec.encoded()
    }
}
