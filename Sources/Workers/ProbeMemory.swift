import Glibc
import LinuxKernel
import OCISpec

/// What images have said about themselves, by the image's id, so that it need not be asked again: an id never comes to
/// mean another image.
struct ProbeMemory {
    let directory: String

    /// nil where nothing, or nothing that can be read, is known.
    func recall(_ id: String) -> ImageProbe? {
        guard let bytes = try? File.read("\(directory)/\(file(id))", limit: 1 << 16) else { return nil }
        return try? ImageProbe(parsing: bytes)
    }

    /// Remembers, as far as that is possible, and forgets images that are gone.
    func keep(_ probe: ImageProbe, for id: String, among exists: (String) -> Bool) {
        guard (try? Directory.create(directory, mode: 0o700)) != nil || errno == EEXIST,
            let place = try? OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        else { return }
        try? File.writeAtomically(probe.encoded(), to: file(id), in: place.raw, mode: 0o600)
        for entry in (try? Directory.entries(at: directory)) ?? [] where entry.name != file(id) {
            if !exists(entry.name) { unlinkat(place.raw, entry.name, 0) }
        }
    }

    private func file(_ id: String) -> String { id.split(separator: ":").last.map(String.init) ?? id }
}
