import DeviceInjection
import Glibc
import LinuxKernel

/// The linker's caches of containers with injected libraries: made once for an image and a set of libraries, then kept.
struct LinkerCacheStore {
    let directory: String
    /// nil for a root that may change: nothing is kept then.
    let imageID: String?
    let root: RootView

    /// nil where no library is injected.
    func contents(_ plan: LibraryPlan, _ compatibility: DriverSetup.Compatibility?) -> [UInt8]? {
        guard !plan.entries.isEmpty else { return nil }
        guard let imageID else { return make(plan, compatibility) }
        let file = "\(directory)/linker-\(imageID.prefix(16))-\(Self.key(plan, compatibility))"
        if let kept = (try? File.readIfPresent(file, limit: 16 << 20)) ?? nil, LinkerCache(parsing: kept) != nil {
            return kept
        }
        let made = make(plan, compatibility)
        if let made { try? File.writeAtomically(made, to: file, mode: 0o600) }
        return made
    }

    /// Another library or another driver is another file.
    private static func key(_ plan: LibraryPlan, _ compatibility: DriverSetup.Compatibility?) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ text: String) {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        }
        for entry in plan.entries {
            mix(entry.name)
            mix(entry.path)
            mix(String(entry.flags))
        }
        mix(compatibility?.driver ?? "")
        mix(compatibility?.folder ?? "")
        return String(hash, radix: 16)
    }

    private func make(_ plan: LibraryPlan, _ compatibility: DriverSetup.Compatibility?) -> [UInt8]? {
        plan.cache(
            over: root.readFile("/etc/ld.so.cache", 16 << 20), compatibility: compatibility.map(entries) ?? [])
    }

    private func entries(_ wanted: DriverSetup.Compatibility) -> [LinkerCache.Entry] {
        guard let path = root.real(wanted.folder) else { return [] }
        let folder = ForwardCompatibility.Folder(path: path, names: root.names(path))
        return ForwardCompatibility.entries(folder, driver: wanted.driver) { name in
            // The library is large, and this is done once.
            guard let bytes = root.readFile("\(path)/\(name)", 512 << 20),
                let file = try? OwnedDescriptor.memoryFile(named: "library"), (try? file.writeAll(bytes)) != nil
            else { return nil }
            return ELFObject(descriptor: file.raw)
        }
    }
}
