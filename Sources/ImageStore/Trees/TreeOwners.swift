/// Owners of an image's files as the host has them.
struct TreeOwners {
    let map: IDMap

    /// The metadata with the ids that the host has for the image's.
    ///
    /// An id that the mapping lacks becomes its root's, as podman does when told to ignore such errors: with one id
    /// only there is no other way. Such a file loses its setuid and setgid bits and its capabilities, which were given
    /// in the name of somebody else.
    func host(_ metadata: FileMetadata) -> FileMetadata {
        var result = metadata
        let uid = map.hostUID(metadata.uid)
        let gid = map.hostGID(metadata.gid)
        result.uid = uid ?? rootUID
        result.gid = gid ?? map.hostGID(0) ?? map.gid.first?.hostID ?? 0
        if uid == nil || gid == nil {
            result.mode &= ~0o6000
            result.attributes.removeAll { $0.name == FileCapability.attribute }
        }
        for (index, attribute) in result.attributes.enumerated() where attribute.name == FileCapability.attribute {
            result.attributes[index].value = FileCapability.namespaced(attribute.value, root: rootUID)
        }
        return result
    }

    private var rootUID: UInt32 { map.hostUID(0) ?? map.uid.first?.hostID ?? 0 }
}
