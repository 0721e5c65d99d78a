import OCISpec

/// Writes what `docker load` and `podman load` read.
struct DockerSaver {
    let store: ImageStore
    let members: any ArchiveMemberWriter

    func save(_ images: [SavedImage]) throws {
        var list: [JSON] = []
        for saved in images {
            let image = saved.image
            let manifest = try store.manifest(of: image)
            for (layer, diffID) in zip(manifest.layers, image.layers) {
                let size = try LayerIndex(headOf: store.layout.layer(diffID)).archiveSize
                try members.add(DockerSaver.layer(diffID), size: size) { write in
                    try store.readLayer(layer.digest, diffID: diffID, write)
                }
            }
            let config = image.id.hex + ".json"
            try members.add(config, try store.readBlob(image.id, limit: ImageStore.documentLimit))
            list.append(
                JSON(members: [
                    "Config": config.json, "RepoTags": saved.names.json,
                    "Layers": image.layers.map { DockerSaver.layer($0) }.json,
                ]))
        }
        try members.add("manifest.json", list.json.encoded())
        try members.finish()
    }

    private static func layer(_ diffID: Digest) -> String { diffID.hex + ".tar" }
}
