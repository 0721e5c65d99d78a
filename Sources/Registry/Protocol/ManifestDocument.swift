import OCISpec

/// What a registry answers when asked for a manifest: one image, or several to choose from.
package enum ManifestDocument: Equatable {
    case image(ImageManifest)
    case index(ImageIndex)

    /// The types that a manifest may have, for `Accept`.
    package static let mediaTypes = MediaType.manifests + MediaType.indexes
    /// Bytes.
    package static let sizeLimit = 4 << 20

    /// - Parameters:
    ///   - contentType: the response's header: consulted where the document does not say what it is.
    ///   - subject: what error messages call it.
    package init(parsing bytes: [UInt8], contentType: String?, subject: String) throws(RegistryError) {
        do throws(DocumentError) {
            let json = try JSON(parsing: bytes)
            let header = contentType.map { String($0.prefix { $0 != ";" && $0 != " " }).lowercased() } ?? ""
            let type = json["mediaType"]?.string ?? header
            if json["schemaVersion"]?.integer == 1 || type.hasPrefix("application/vnd.docker.distribution.manifest.v1")
            {
                throw DocumentError(
                    reason:
                        "is Docker's image manifest version 2, schema 1, which is not supported; push the image anew")
            }
            if MediaType.indexes.contains(type) || (!MediaType.manifests.contains(type) && json["manifests"] != nil) {
                self = .index(try ImageIndex(json: json))
            } else {
                self = .image(try ImageManifest(json: json))
            }
        } catch {
            let isOld = error.reason.contains("schema 1")
            throw RegistryError(isOld ? .unsupported : .invalid, "read manifest of \(subject): \(error.words)")
        }
    }

    /// The image of an index for a platform.
    ///
    /// - Throws: `.notFound`, listing what there is.
    package static func choose(
        _ platform: Platform, from index: ImageIndex, subject: String
    ) throws(RegistryError) -> ContentDescriptor {
        if let chosen = index.manifest(for: platform) { return chosen }
        // Attestations and the like are entries for `unknown/unknown`.
        let offered = index.manifests.compactMap(\.platform).filter { $0.os != "unknown" }.map(\.description)
        var unique: [String] = []
        for name in offered where !unique.contains(name) { unique.append(name) }
        throw RegistryError(
            .notFound,
            "pull \(subject): no image for platform \(platform); there is "
                + (unique.isEmpty ? "none at all" : unique.joined(separator: ", ")))
    }
}

extension ImageManifest {
    /// Whether this is a container image of layers that we can unpack; artifacts share the format.
    ///
    /// - Parameter sizeLimit: bytes, of one layer.
    package func checkIsRunnable(subject: String, sizeLimit: Int64) throws(RegistryError) {
        guard config.mediaType == MediaType.ociConfig || config.mediaType == MediaType.dockerConfig else {
            throw RegistryError(
                .unsupported,
                "pull \(subject): it is not a container image: its configuration has the type \(config.mediaType)")
        }
        guard (1...Int64(ManifestDocument.sizeLimit)).contains(config.size) else {
            throw RegistryError(
                .invalid,
                "pull \(subject): configuration of \(config.size) bytes; the limit is \(ManifestDocument.sizeLimit)")
        }
        for layer in layers {
            guard MediaType.compression(ofLayer: layer.mediaType) != nil else {
                throw RegistryError(
                    .unsupported, "pull \(subject): layer \(layer.digest) has the unknown type \(layer.mediaType)")
            }
            guard (0...sizeLimit).contains(layer.size) else {
                throw RegistryError(
                    .invalid, "pull \(subject): layer \(layer.digest) of \(layer.size) bytes; the limit is \(sizeLimit)"
                )
            }
        }
    }
}
