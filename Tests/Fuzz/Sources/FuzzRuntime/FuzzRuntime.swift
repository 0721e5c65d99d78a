import ContainerEngine
import Launch
import LinuxKernel
import OCISpec

/// A specification from these bytes is planned, never launched, as each kind of caller; its system call filter is
/// compiled. Whatever is refused is refused in one line.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let spec = try? RuntimeSpec(parsing: bytes) else {
        // The same bytes as a filter of its own.
        if let profile = try? RuntimeSpec.Seccomp(parsing: bytes) { compile(profile) }
        return 0
    }
    for inUserNamespace in [false, true] {
        let facts = HostFacts(
            kernel: KernelVersion(6, 18), inUserNamespace: inUserNamespace, capabilities: .max, lastCapability: 40,
            setgroupsAllowed: true)
        var options = LaunchOptions()
        options.guarded = true
        options.startSocket = 9
        options.moments = [.created, .mounted]
        do throws(PlanError) {
            let plan = try LaunchPlan(spec: spec, rootfs: .directory("/r"), facts: facts, options: options)
            precondition(!plan.description.isEmpty)
        } catch {
            precondition(!error.description.utf8.contains(0x0A), "error on two lines")
        }
        if let process = spec.process {
            options.joined = [.init([.user, .mount, .pid], descriptor: 8)]
            options.startSocket = nil
            _ = try? LaunchPlan(exec: process, facts: facts, options: options)
        }
    }
    if let profile = spec.linux?.seccomp { compile(profile) }
    return 0
}

private func compile(_ profile: RuntimeSpec.Seccomp) {
    do throws(EngineError) {
        let program = try SeccompPolicy.compile(profile)
        precondition(program.count % 8 == 0)
    } catch {
        precondition(!error.message.utf8.contains(0x0A), "error on two lines")
    }
}
