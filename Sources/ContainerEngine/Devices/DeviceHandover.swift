import Launch
import LinuxKernel
import OCISpec

/// What a container's devices ask of its launcher while the process waits: network interfaces that move into the
/// container, and a group of resctrl that its process is put in. Both are carried out as `OCIRuntime` does it.
struct DeviceHandover {
    private let id: String
    private let interfaces: OCINetDevices
    private let request: ResourceControl.Request?
    /// Of the tree that devices are looked for in.
    private let root: String

    init(_ record: ContainerRecord, root: String) throws(EngineError) {
        let linux = record.specification.runtime.linux
        id = record.id
        interfaces = try OCINetDevices(linux)
        request = try ResourceControl.Request(linux?.intelRdt)
        self.root = root
    }

    /// The moments of the launch at which there is something to do.
    var moments: [LaunchMoment] {
        (request == nil ? [] : [.created]) + (interfaces.isEmpty ? [] : [.mounted])
    }

    /// Before the process has anything of its own in the caches.
    /// - Returns: directories that were made for the container, and go with it.
    func enterResourceGroup(_ pid: Int32) throws(EngineError) -> [String] {
        guard let request else { return [] }
        let control = try ResourceControl.find(in: root)
        let group = try control.group(for: request, id: id)
        do {
            try control.add(pid, to: group, id: id)
        } catch {
            ResourceControl.remove(group.made)
            throw error
        }
        return group.made
    }

    /// Late: what fails after it takes the interfaces along.
    func moveInterfaces(to pid: Int32) throws(EngineError) { try interfaces.move(to: pid) }

    /// Groups that a launcher made which was killed before it could say so. One with a name of its own may be somebody
    /// else's, and stays.
    func removeLost() {
        guard let request, let control = try? ResourceControl.find(in: root) else { return }
        ResourceControl.remove(control.own(request, id: id))
    }
}
