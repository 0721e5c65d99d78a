import CShims
import Glibc
import LinuxKernel

/// Memory and processors near a NUMA node, for what this process starts: both are inherited.
struct Nearness {
    /// The processors of before; nil where nothing was changed.
    private var before: [UInt8]?

    /// - Parameters:
    ///   - node: nil changes nothing.
    ///   - root: the directory that /sys is looked for in.
    init(_ node: Int?, root: String, warn: (String) -> Void) {
        guard let node else { return }
        var mask = [UInt8](repeating: 0, count: 1024)
        let size = swiftpod_get_affinity(&mask, UInt(mask.count))
        guard size > 0 else { return }
        let allowed = Array(mask.prefix(Int(size)))
        let list = HostFile.read("\(root)/sys/devices/system/node/node\(node)/cpulist", limit: 1 << 16)
        let near = Self.mask(of: String(decoding: list ?? [], as: UTF8.self), size: allowed.count)
        let wanted = zip(allowed, near).map { $0 & $1 }
        if wanted.contains(where: { $0 != 0 }), swiftpod_set_affinity(wanted, UInt(wanted.count)) == 0 {
            before = allowed
        } else {
            warn("numa=near: none of the processors that may be used is near NUMA node \(node)")
        }
        // Preferred, not bound: a node that is full must not end the program. ENOSYS: a kernel that knows one node only.
        if swiftpod_prefer_memory(Int32(node)) != 0, errno != ENOSYS {
            warn("numa=near: memory of NUMA node \(node): \(SyscallError.reason(errno))")
        }
    }

    /// As it was, for what this process does from now on.
    func restore() {
        guard let before else { return }
        _ = swiftpod_set_affinity(before, UInt(before.count))
        _ = swiftpod_prefer_memory(-1)
    }

    /// `0-3,8` as bits.
    static func mask(of list: String, size: Int) -> [UInt8] {
        var mask = [UInt8](repeating: 0, count: size)
        for part in list.split(whereSeparator: { $0 == "," || $0 == "\n" }) {
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first >= 0, first <= last else { continue }
            for number in first...min(last, size * 8 - 1) where number < size * 8 {
                mask[number / 8] |= 1 << UInt8(number % 8)
            }
        }
        return mask
    }
}
