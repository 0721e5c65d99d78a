import OCISpec

/// Whether an image's libraries for a newer CUDA than the driver's take the place of the driver's: NVIDIA's rule for
/// /usr/local/cuda/compat.
public struct ForwardCompatibility: Sendable {
    /// What an image has there.
    public struct Folder: Equatable, Sendable {
        /// With links resolved, in the container.
        public var path: String
        public var names: [String]

        public init(path: String, names: [String]) {
            self.path = path
            self.names = names
        }
    }

    /// The lines of the linker's cache that put them first; none where they are not to be used.
    ///
    /// Libraries since CUDA 12.9 say which drivers they go with. Older ones go with any of a lower major version.
    ///
    /// - Parameter object: the headers of a file of the folder, by name.
    public static func entries(
        _ folder: Folder, driver: String, object: (String) -> ELFObject?
    ) -> [LinkerCache.Entry] {
        let candidates = folder.names.filter { $0.hasPrefix("libcuda.so.") && $0.split(separator: ".").count >= 4 }
        guard candidates.count == 1, let own = version(String(candidates[0].dropFirst("libcuda.so.".utf8.count))),
            let host = version(driver), let library = object(candidates[0]),
            let flags = LinkerCache.flags(for: library)
        else { return [] }
        if let note = library.cudaCompatibility {
            guard let json = try? JSON(parsing: note), let drivers = json["Driver"]?.array,
                drivers.contains(where: { $0.integer == Int64(host[0]) }), host.lexicographicallyPrecedes(own)
            else { return [] }
        } else if own[0] <= host[0] {
            return []
        }
        // The image has links under the SONAMEs: `libcuda.so.1`.
        return folder.names.filter { name in
            let parts = name.split(separator: ".")
            return name.hasPrefix("lib") && parts.count == 3 && parts[1] == "so" && parts[2].utf8.allSatisfy(\.isDigit)
        }.sorted().map { LinkerCache.Entry(name: $0, path: "\(folder.path)/\($0)", flags: flags) }
    }

    private static func version(_ text: String) -> [Int]? {
        let parts = text.split(separator: ".").map { Int($0) }
        return parts.isEmpty || parts.contains(nil) ? nil : parts.compactMap { $0 }
    }
}
