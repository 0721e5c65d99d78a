/// What NVIDIA's kernel driver says of itself under /proc.
struct NvidiaDriver: Equatable {
    /// `580.95.05`.
    var version: String
    /// In the order of their PCI addresses, which is that of their indices.
    var gpus: [GPU] = []

    struct GPU: Equatable {
        /// `nvidia-smi`'s number: of all GPUs of the machine.
        var index: Int
        /// `0000:04:00.0`.
        var address: String
        /// Of /dev/nvidiaN.
        var minor: Int
        /// `GPU-…`; nil where the driver does not say, as before it has first been used.
        var uuid: String?
        var instances: [Instance] = []
    }

    /// A part of a GPU that is partitioned (MIG): a compute instance of a GPU instance.
    struct Instance: Equatable {
        var gpuInstance: Int
        var computeInstance: Int
        /// The nodes that open it, under /dev/nvidia-caps.
        var nodes: [String]
    }

    /// nil where no driver is loaded.
    init?(in tree: HostTree) {
        guard let text = tree.text("/proc/driver/nvidia/version"), let version = Self.version(in: text) else {
            return nil
        }
        self.version = version
        let addresses = tree.names(in: "/proc/driver/nvidia/gpus").sorted()
        for (index, address) in addresses.enumerated() {
            let facts = Self.facts(tree.text("/proc/driver/nvidia/gpus/\(address)/information") ?? "")
            guard let minor = facts["Device Minor"].flatMap({ Int($0) }), facts["GPU Excluded"] != "Yes" else {
                continue
            }
            var gpu = GPU(index: index, address: address, minor: minor)
            // Question marks until the GPU has been initialised.
            if let uuid = facts["GPU UUID"], uuid.hasPrefix("GPU-"), !uuid.contains("?") { gpu.uuid = uuid }
            gpu.instances = Self.instances(of: minor, in: tree)
            gpus.append(gpu)
        }
    }

    /// `NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  …`, or `… Open Kernel Module for x86_64  580.95.05 …`.
    static func version(in text: String) -> String? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("NVRM version:") }) else { return nil }
        return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first { word in
            let parts = word.split(separator: ".", omittingEmptySubsequences: false)
            return (2...3).contains(parts.count) && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) }
        }.map(String.init)
    }

    /// `Name: <tab> value` a line.
    static func facts(_ text: String) -> [String: String] {
        var facts: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let cut = line.firstIndex(of: ":") else { continue }
            var value = line[line.index(after: cut)...]
            while let first = value.first, first == " " || first == "\t" { value.removeFirst() }
            while let last = value.last, last == " " || last == "\t" || last == "\r" { value.removeLast() }
            facts[String(line[..<cut])] = String(value)
        }
        return facts
    }

    /// /proc/driver/nvidia/capabilities/gpuN/mig/giG/ciC holds what exists now; each has an `access` file that names
    /// its node's minor number.
    private static func instances(of minor: Int, in tree: HostTree) -> [Instance] {
        let top = "/proc/driver/nvidia/capabilities/gpu\(minor)/mig"
        var found: [Instance] = []
        for gi in numbers("gi", in: tree.names(in: top)) {
            guard let parent = node("\(top)/gi\(gi)/access", in: tree) else { continue }
            for ci in numbers("ci", in: tree.names(in: "\(top)/gi\(gi)")) {
                guard let own = node("\(top)/gi\(gi)/ci\(ci)/access", in: tree) else { continue }
                found.append(Instance(gpuInstance: gi, computeInstance: ci, nodes: [parent, own]))
            }
        }
        return found
    }

    private static func numbers(_ prefix: String, in names: [String]) -> [Int] {
        names.filter { $0.hasPrefix(prefix) }.compactMap { Int($0.dropFirst(prefix.utf8.count)) }.sorted()
    }

    private static func node(_ path: String, in tree: HostTree) -> String? {
        facts(tree.text(path) ?? "")["DeviceFileMinor"].flatMap { Int($0) }.map { "/dev/nvidia-caps/nvidia-cap\($0)" }
    }

    /// The number of a driver in /proc/devices, for the command that makes its node.
    static func major(of name: String, in tree: HostTree) -> Int? {
        for line in (tree.text("/proc/devices") ?? "").split(separator: "\n") {
            if line.hasPrefix("Block devices") { break }
            let words = line.split(separator: " ")
            if words.count == 2, words[1] == name { return Int(words[0]) }
        }
        return nil
    }
}
