import LinuxKernel
import OCISpec

extension ImageStore {
    /// Takes in the images of an archive: `docker save`'s tarball, an OCI image layout in a tarball or in a directory,
    /// tarballs plain or compressed by gzip or zstd.
    ///
    /// - Parameter platform: Which of an index's images is wanted.
    /// - Throws: `.corrupt` for an archive that holds no image or a damaged one.
    public func load(from source: ArchiveSource, platform: Platform = .host) throws(StoreError) -> [StoredImage] {
        try cleaningUp("load image") {
            let members = try ArchiveMembers(source, layout)
            if members.contains("index.json"), members.contains("oci-layout") {
                return try LayoutLoader(store: self, members: members, platform: platform).load()
            }
            if members.contains("manifest.json") {
                return try DockerLoader(store: self, members: members).load()
            }
            throw StoreError(.corrupt, "neither a docker archive nor an OCI image layout")
        }
    }

    /// Puts a document into the store whose digest is its own.
    func store(document bytes: [UInt8]) throws -> Digest {
        let digest = SHA256.digest(of: bytes)
        if !hasBlob(digest) { try File.writeAtomically(bytes, to: layout.blob(digest)) }
        return digest
    }
}
