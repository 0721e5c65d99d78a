import OCISpec

/// Where things stand in the store. README.md beside this file says what each of them is.
struct Layout: Sendable {
    let root: String

    var ociLayout: String { root + "/oci-layout" }
    var ociIndex: String { root + "/index.json" }
    var blobs: String { root + "/blobs/sha256" }
    var objects: String { root + "/objects" }
    var linked: String { root + "/linked" }
    var layers: String { root + "/layers" }
    var trees: String { root + "/trees" }
    var images: String { root + "/images" }
    var tags: String { root + "/tags" }
    var temporary: String { root + "/tmp" }
    var locks: String { root + "/locks" }
    var treeKind: String { root + "/tree-kind" }

    var collectorLock: String { locks + "/collector" }
    var namesLock: String { locks + "/names" }

    func blob(_ digest: Digest) -> String { "\(blobs)/\(digest.hex)" }
    func partial(_ digest: Digest) -> String { "\(temporary)/\(digest.hex)\(Layout.partialSuffix)" }
    func layer(_ diffID: Digest) -> String { "\(layers)/\(diffID.hex)" }
    func image(_ id: Digest) -> String { "\(images)/\(id.hex)" }
    func object(_ digest: Digest) -> String { "\(objects)/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))" }

    /// The directory of an image's tree for one mapping. The number is the format's.
    func tree(_ chainID: Digest, _ map: IDMap, _ kind: TreeKind) -> String {
        let text = map.text
        let key = text.utf8.count <= 100 ? text : SHA256.digest(of: Array(text.utf8)).hex
        return "\(trees)/\(chainID.hex)/\(kind.rawValue)-1-\(key)"
    }

    /// Of blobs that are not complete yet, which a later transfer may continue.
    static let partialSuffix = ".partial"

    /// Bytes of a full name: what a file name may have.
    static let nameLimit = 255

    /// References hold no `%`, so one takes the place of `/` in file names.
    func tag(_ name: String) -> String { "\(tags)/\(Layout.fileName(of: name))" }

    static func fileName(of name: String) -> String {
        String(decoding: name.utf8.map { $0 == UInt8(ascii: "/") ? UInt8(ascii: "%") : $0 }, as: UTF8.self)
    }

    static func name(ofFile file: String) -> String {
        String(decoding: file.utf8.map { $0 == UInt8(ascii: "%") ? UInt8(ascii: "/") : $0 }, as: UTF8.self)
    }
}
