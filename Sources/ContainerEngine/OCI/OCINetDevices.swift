import Glibc
import LinuxKernel
import OCISpec

/// `linux.netDevices`: interfaces of the caller's network namespace that the container gets.
struct OCINetDevices {
    private var devices: [(name: String, inside: String)] = []

    init(_ linux: RuntimeSpec.Linux?) throws(EngineError) {
        guard let json = linux?.netDevices, json != .object([]), json != .null else { return }
        guard let members = json.members else { throw EngineError(.invalid, "linux.netDevices: not an object") }
        for member in members {
            let inside: String?
            do { inside = try member.value.optional("name") } catch {
                throw EngineError(.invalid, "linux.netDevices: \(error)", cause: error)
            }
            devices.append((member.name, inside.flatMap { $0.isEmpty ? nil : $0 } ?? member.name))
        }
        for name in devices.flatMap({ [$0.name, $0.inside] }) where !NetworkInterface.isName(name) {
            throw EngineError(.invalid, "linux.netDevices: invalid name \"\(name.escapingControls)\"")
        }
        guard Set(devices.map(\.inside)).count == devices.count else {
            throw EngineError(.invalid, "linux.netDevices: two devices have one name")
        }
        guard linux?.namespaces.contains(where: { $0.type == .network }) == true else {
            throw EngineError(.invalid, "linux.netDevices: the container has no network namespace of its own")
        }
    }

    var isEmpty: Bool { devices.isEmpty }

    func move(to pid: Int32) throws(EngineError) {
        if devices.isEmpty { return }
        try doing("move network devices") { () throws(SyscallError) in
            let namespace = try OwnedDescriptor.open("/proc/\(pid)/ns/net", O_RDONLY)
            for device in devices { try NetworkInterface(device.name).move(to: namespace, as: device.inside) }
        }
    }
}
