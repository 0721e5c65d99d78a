import DeviceInjection

/// Which GPUs a container gets, and who says so.
///
/// | who | counts | where it cannot be met |
/// |---|---|---|
/// | `--gpus`, `--device VENDOR/CLASS=NAME` | always, and alone where it is said | an error |
/// | `NVIDIA_VISIBLE_DEVICES` of `--env` or of the image | where no flag says anything | a warning |
/// | a Ray worker, by whatever door it comes | where neither does | nothing is said |
///
/// `void` and an empty value mean as much as no variable; `none` means none, for Ray's workers too. The launcher's own
/// `NVIDIA_VISIBLE_DEVICES` narrows what a Ray worker gets, and so does SWIFTPOD_GPUS, which takes what `--gpus` takes.
/// Variables that choose among GPUs inside (CUDA_, ROCR_, HIP_VISIBLE_DEVICES, ONEAPI_DEVICE_SELECTOR) are left as they
/// are: Ray sets them in the worker after its start, and they count within what the container has.
package struct GPUPolicy: Equatable, Sendable {
    /// Each is to be met in full.
    package var requests: [GPURequest] = []
    /// Nobody insists.
    package var isImplicit = false
    /// The names are those by which whoever started the launcher gave it its GPUs.
    package var isLaunchers = false

    /// Turns GPUs off for a caller who cannot give flags, or narrows them: `none`, `all`, `device=0`.
    package static let variable = "SWIFTPOD_GPUS"

    /// - Parameters:
    ///   - image: the image's environment.
    package init(
        _ request: ContainerConfiguration, image: [String], caller: CallerFacts
    ) throws(EngineError) {
        if !request.gpus.isEmpty {
            if !request.gpus.contains(where: { $0.choice == .none }) { requests = request.gpus }
            return
        }
        if !request.namedDevices.isEmpty { return }
        isImplicit = true
        let said =
            request.environment.variables.last { $0.name == VisibleDevices.variable }?.value
            ?? Self.value(of: VisibleDevices.variable, in: image)
        switch VisibleDevices(said) {
        case .none: return
        case .all: requests = [Self.nvidia(.all)]
        case .some(let names): requests = [Self.nvidia(.devices(names))]
        case .unsaid:
            if Self.isRayWorker(request) {
                requests = try Self.forRay(caller)
                isLaunchers = true
            }
        }
        if let word = caller.variable(Self.variable), !word.isEmpty,
            (try? GPURequest(word))?.choice == GPURequest.Choice.none
        {
            requests = []
        }
    }

    /// NVIDIA_VISIBLE_DEVICES speaks of that vendor's.
    private static func nvidia(_ choice: GPURequest.Choice) -> GPURequest {
        var request = GPURequest(choice)
        request.vendor = .nvidia
        return request
    }

    /// Ray passes its variables on the command line and no flag for a device.
    package static func isRayWorker(_ request: ContainerConfiguration) -> Bool {
        request.environment.variables.contains { ["RAY_JOB_ID", "RAY_RAYLET_PID"].contains($0.name) }
    }

    private static func forRay(_ caller: CallerFacts) throws(EngineError) -> [GPURequest] {
        if let word = caller.variable(variable), !word.isEmpty {
            do { return [try GPURequest(word)] } catch {
                throw EngineError(.invalid, "\(variable): \(error)", cause: error)
            }
        }
        switch VisibleDevices(caller.variable(VisibleDevices.variable)) {
        case .unsaid, .all: return [GPURequest(.all)]
        case .none: return []
        // In a pod these are names of the host's: what is not found here is not ours to see, and what has a node is.
        case .some(let names): return [nvidia(.devices(names))]
        }
    }

    private static func value(of name: String, in environment: [String]) -> String? {
        let prefix = name + "="
        return environment.last { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.utf8.count)) }
    }
}
