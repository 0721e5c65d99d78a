import Glibc
import LinuxKernel
import OCISpec

// Finding images. A name is a symbolic link to a record, so that the usual case is one open(2) and one read(2).

extension ImageStore {
    /// The image of a name or an id, or nil. Names as podman resolves them: a full name, a short one
    /// (`hello` is `localhost/hello`, then `docker.io/library/hello`, then any stored name that ends in it), an id or
    /// the beginning of one, `NAME@sha256:…`.
    ///
    /// - Throws: `.invalid` for what can be no name, `.ambiguous`, `.corrupt`.
    public func image(_ nameOrID: String) throws(StoreError) -> StoredImage? {
        try found(nameOrID)?.image
    }

    /// As ``image(_:)``, but `names` holds no more than the one by which it was found: a start need not look at all the
    /// names of the store.
    public func imageToStart(_ nameOrID: String) throws(StoreError) -> StoredImage? {
        try found(nameOrID, allNames: false)?.image
    }

    /// An image, and whether it was its id that was given.
    struct Found {
        var image: StoredImage
        var isByID: Bool
    }

    func found(_ nameOrID: String, allNames: Bool = true) throws(StoreError) -> Found? {
        try storing("find image \(nameOrID)") {
            let isDigest = nameOrID.hasPrefix("sha256:")
            let digits = isDigest ? nameOrID.dropFirst(7) : nameOrID[...]
            let isHexadecimal = digits.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            if isHexadecimal, (1...64).contains(digits.utf8.count), let image = try image(idPrefix: String(digits)) {
                return Found(image: image, isByID: true)
            }
            if isDigest { return nil }
            return try image(named: try ImageName(parsing: nameOrID), allNames).map { Found(image: $0, isByID: false) }
        }
    }

    private func image(named name: ImageName, _ allNames: Bool) throws -> StoredImage? {
        var name = name
        // A digest says more than a tag.
        if name.digest != nil { name.tag = nil }
        let candidates =
            name.isShort ? [name.qualified(with: "localhost"), name.qualified()] : [name.qualified()]
        for candidate in candidates {
            let text = candidate.description
            guard text.utf8.count <= Layout.nameLimit, let record = try record(at: layout.tag(text)) else { continue }
            if allNames { return try named(record, first: text) }
            var image = record.image
            image.names = [text]
            return image
        }
        if let digest = name.digest { return try image(name, digest) }
        return name.isShort ? try image(endingIn: name) : nil
    }

    /// `NAME@DIGEST` where the image was stored by a tag of that name.
    private func image(_ name: ImageName, _ digest: Digest) throws -> StoredImage? {
        let wanted = name.qualified().name
        for image in try images() where image.manifestDigest == digest {
            let isNamed = image.names.contains { stored in
                guard let reference = try? Reference(parsing: stored) else { return false }
                return reference.name == wanted || name.isShort && reference.name.hasSuffix("/" + name.repository)
            }
            if isNamed { return image }
        }
        return nil
    }

    /// A short name may be the end of any stored one: `team/app` finds `registry.example/team/app:latest`.
    private func image(endingIn name: ImageName) throws -> StoredImage? {
        let ending = "/" + name.repository + ":" + (name.tag ?? "latest")
        let matches = try names().filter { $0.name.hasSuffix(ending) }
        guard let first = matches.first else { return nil }
        guard matches.allSatisfy({ $0.id == first.id }) else {
            throw StoreError(
                .ambiguous,
                "image name \(name) is ambiguous: it may be \(matches.map(\.name).joined(separator: " or "))")
        }
        return try record(at: layout.image(first.id)).map { try named($0, first: first.name) }
    }

    private func image(idPrefix prefix: String) throws -> StoredImage? {
        if prefix.utf8.count == 64 {
            return try record(at: layout.images + "/" + prefix).map { try named($0, first: nil) }
        }
        let matches = try Directory.entries(at: layout.images).map(\.name).filter { $0.hasPrefix(prefix) }
        guard let first = matches.first else { return nil }
        guard matches.count == 1 else {
            throw StoreError(.ambiguous, "image id \(prefix) is ambiguous: \(matches.count) images begin so")
        }
        return try record(at: layout.images + "/" + first).map { try named($0, first: nil) }
    }

    func record(at path: String) throws -> ImageRecord? {
        guard let bytes = try File.readIfPresent(path, limit: 1 << 24) else { return nil }
        return try ImageRecord(decoding: bytes)
    }

    private func named(_ record: ImageRecord, first: String?) throws -> StoredImage {
        var image = record.image
        image.names = try names().filter { $0.id == image.id }.map(\.name).sorted()
        if let first, let index = image.names.firstIndex(of: first) {
            image.names.remove(at: index)
            image.names.insert(first, at: 0)
        }
        return image
    }

    /// All names, and the images that have them.
    func names() throws -> [(name: String, id: Digest)] {
        guard access(layout.tags, F_OK) == 0 else { return [] }
        let directory = try OwnedDescriptor.open(layout.tags, O_RDONLY | O_DIRECTORY)
        return try Directory.entries(of: directory.raw).compactMap { entry in
            guard entry.kind == .symlink, let target = try? readLink(entry.name, in: directory.raw),
                let id = target.split(separator: "/").last, ObjectID(hex: id.utf8) != nil
            else { return nil }
            return (Layout.name(ofFile: entry.name), Digest(uncheckedHex: String(id)))
        }
    }

    /// All images, those without a name included, newest first.
    public func images() throws(StoreError) -> [StoredImage] {
        try records().map(\.image)
    }

    func records() throws(StoreError) -> [ImageRecord] {
        try storing("list images") {
            let names = Dictionary(grouping: try names(), by: \.id)
            let records = try Directory.entries(at: layout.images).compactMap { entry in
                // What is being written has a name that begins with a dot.
                entry.name.hasPrefix(".") ? nil : try record(at: layout.images + "/" + entry.name)
            }
            return records.map { record in
                var record = record
                record.image.names = (names[record.image.id] ?? []).map(\.name).sorted()
                return record
            }.sorted {
                ($1.image.config.created ?? "", $0.image.id.hex) < ($0.image.config.created ?? "", $1.image.id.hex)
            }
        }
    }

    /// The image's own document, with the history that `StoredImage.config` leaves out.
    public func configuration(of image: StoredImage) throws(StoreError) -> ImageConfig {
        let bytes = try readBlob(image.id, limit: ImageStore.documentLimit)
        return try doing("read image \(image.id)") { try ImageConfig(parsing: bytes) }
    }

    /// Bytes of a manifest or a configuration.
    static var documentLimit: Int { 8 << 20 }
}
