extension CDIRegistry {
    /// The kinds of GPUs that there are, in the order in which a request that names no vendor looks at them.
    public var gpuKinds: [CDIKind] {
        GPURequest.Vendor.allCases.compactMap { try? CDIKind($0.kind) }.filter(hasKind)
    }

    /// What `--gpus` asks for, as devices. Throws where there is less than that, with what there is.
    public func gpus(_ request: GPURequest) throws(CDIError) -> [CDIName] {
        if request.choice == .none { return [] }
        var kinds = gpuKinds
        if let vendor = request.vendor { kinds.removeAll { $0.description != vendor.kind } }
        guard let first = kinds.first else { throw noGPUs(request.vendor) }
        switch request.choice {
        case .none: return []
        case .all: return kinds.flatMap(everyDevice)
        case .count(let count):
            let there = kinds.flatMap(numbered)
            if there.isEmpty {
                // Windows shows them as one.
                throw CDIError(.notFound, "GPUs cannot be told apart here: --gpus all")
            }
            guard count <= there.count else {
                throw CDIError(
                    .notFound, "\(count) GPUs are asked for, there \(there.count == 1 ? "is 1" : "are \(there.count)")")
            }
            return Array(there.prefix(count))
        case .devices(let words):
            var names: [CDIName] = []
            for word in words { names.append(try gpu(word, of: first)) }
            return names
        }
    }

    /// The parts of NVIDIA's GPUs that are meant by as many UUIDs as there are parts here; nil where that does not tell.
    ///
    /// Which part has which UUID is known to the driver's library alone. A pod that was given some of them has their
    /// UUIDs in its environment and their nodes, and no others, in its /dev.
    public func parts(meantBy words: [String]) -> [CDIName]? {
        guard words.allSatisfy({ $0.hasPrefix("MIG-") }), let kind = try? CDIKind(GPURequest.Vendor.nvidia.kind) else {
            return nil
        }
        let known = devices(of: kind)
        if known.contains(where: { words.contains($0.device) }) { return nil }
        let parts = known.filter(isPart)
        return parts.count == Set(words).count ? parts : nil
    }

    /// `GPU:PART`
    private func isPart(_ name: CDIName) -> Bool {
        name.device.contains(":") && !name.device.contains(where: \.isLetter)
    }

    private func everyDevice(of kind: CDIKind) -> [CDIName] {
        if let all = try? CDIName(kind, "all"), (try? find(all)) != nil { return [all] }
        let numbered = numbered(of: kind)
        return numbered.isEmpty ? devices(of: kind) : numbered
    }

    /// Those with a number for a name: each GPU once.
    private func numbered(of kind: CDIKind) -> [CDIName] {
        let found = devices(of: kind).filter { $0.device.utf8.allSatisfy(\.isDigit) }
        return found.sorted { HostTree.comesFirst($0.device, $1.device) }
    }

    /// By name, by the beginning of a UUID that no other has, by PCI address.
    private func gpu(_ word: String, of kind: CDIKind) throws(CDIError) -> CDIName {
        if CDIName.isQualified(word), let name = try? CDIName(word) { return name }
        let known = devices(of: kind)
        if let name = known.first(where: { $0.device == word }) { return name }
        if word.hasPrefix("GPU-") {
            let found = known.filter { $0.device.hasPrefix(word) }
            if found.count == 1 { return found[0] }
        }
        if let name = known.first(where: { address(of: $0)?.lowercased() == word.lowercased() }) { return name }
        // `MIG-UUID`, and `MIG-GPU-UUID/GI/CI` of old drivers, are known to the driver's library alone.
        let there = known.map(\.device).joined(separator: ", ")
        var hint = "no such GPU"
        if word.hasPrefix("MIG-") {
            let part = known.first(where: isPart)
            hint =
                "the UUID of a part of a GPU is known to NVIDIA's library alone, name it as GPU:PART, "
                + "--gpus device=\(part?.device ?? "0:1")"
        }
        throw CDIError(.notFound, "GPU \(word.printable): \(hint); there are \(there)")
    }

    /// The PCI address that discovery noted with a device.
    public func address(of name: CDIName) -> String? {
        (try? find(name))?.device.annotations[DeviceDiscovery.addressKey]
    }

    private func noGPUs(_ vendor: GPURequest.Vendor?) -> CDIError {
        var reason = "no \(vendor.map { "\($0.rawValue) " } ?? "")GPU was found on this machine"
        if !failures.isEmpty {
            let named = failures.map { "\($0.path.printable): \($0.reason)" }.joined(separator: "; ")
            reason += " (not usable: \(named))"
        }
        return CDIError(.notFound, reason)
    }
}
