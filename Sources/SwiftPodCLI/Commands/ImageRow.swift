import ContainerEngine
import ImageStore
import OCISpec

/// An image under one of its names, as `images` shows it.
struct ImageRow {
    let image: StoredImage
    /// nil for an image without a name.
    let name: String?
    let now: Timestamp
    var truncates = true
    /// Of its containers, by how many.
    var users = 0

    var repository: String { split.repository }
    var tag: String { split.tag }

    private var split: (repository: String, tag: String) {
        guard let name else { return ("<none>", "<none>") }
        let bare = name.prefix { $0 != "@" }
        if let colon = bare.lastIndex(of: ":"), !bare[colon...].contains("/") {
            return (String(bare[..<colon]), String(bare[bare.index(after: colon)...]))
        }
        return (String(bare), "<none>")
    }

    var created: Timestamp { image.createdAt }

    var fields: JSON {
        let since = humanDuration(seconds: now.seconds - created.seconds) + " ago"
        return JSON(members: [
            "Repository": .string(repository), "Tag": .string(tag), "Digest": .string(image.manifestDigest.description),
            "ID": .string(truncates ? String(image.id.hex.prefix(12)) : image.id.description),
            "Created": .string(since), "CreatedSince": .string(since), "CreatedAt": .string(goTime(created)),
            "CreatedTime": .string(goTime(created)), "Size": .string(humanSize(image.size)),
            "VirtualSize": .string(humanSize(image.size)), "Names": .array(image.names.map(JSON.string)),
            "RepoTags": .array(image.names.map(JSON.string)), "RepoDigests": .array(image.digests.map(JSON.string)),
            "Labels": image.labels, "Containers": .integer(Int64(users)),
            "Dangling": .bool(image.names.isEmpty), "ReadOnly": .bool(false), "ParentId": .string(""),
            "History": .string(image.names.joined(separator: ", ")), "SharedSize": .string("0 B"),
        ])
    }

    var document: JSON {
        JSON(members: [
            "Id": .string(image.id.hex), "ParentId": .string(""),
            "RepoTags": image.names.isEmpty ? .null : .array(image.names.map(JSON.string)),
            "RepoDigests": .array(image.digests.map(JSON.string)), "Size": .integer(image.size), "SharedSize": 0,
            "VirtualSize": .integer(image.size), "Labels": image.config.config.labels.isEmpty ? .null : image.labels,
            "Containers": .integer(Int64(users)),
            "Dangling": image.names.isEmpty ? .bool(true) : nil,
            "Names": image.names.isEmpty ? nil : .array(image.names.map(JSON.string)),
            "Digest": .string(image.manifestDigest.description),
            "History": .array(image.names.map(JSON.string)), "Created": .integer(created.seconds),
            "CreatedAt": .string(image.config.created ?? ""),
        ])
    }
}

extension StoredImage {
    /// When the image was made; 1970 where it does not say.
    var createdAt: Timestamp {
        config.created.flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(seconds: 0)
    }

    var labels: JSON {
        .object(config.config.labels.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })
    }

    /// `REPOSITORY@DIGEST` for each repository.
    var digests: [String] {
        var seen: [String] = []
        for name in names {
            let row = ImageRow(image: self, name: name, now: Timestamp(seconds: 0))
            let text = "\(row.repository)@\(manifestDigest)"
            if !seen.contains(text) { seen.append(text) }
        }
        return seen
    }
}
