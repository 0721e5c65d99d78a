import OCISpec

/// Paths of images as lists of names.
enum CleanPath {
    /// Bytes of a path, and of one name in it: what Linux takes.
    static let limit = 4096
    static let nameLimit = 255

    static let dotDot: [UInt8] = [0x2e, 0x2e]

    /// The names between the slashes, `..` included.
    static func components(_ path: some Collection<UInt8>) -> [[UInt8]] {
        path.split(separator: UInt8(ascii: "/")).compactMap { name in
            name.elementsEqual([0x2e]) ? nil : Array(name)
        }
    }

    /// The path below the root that an archive's path means, by the rules that podman has: a leading slash means
    /// nothing, `a/../b` is `b` whatever `a` is, and a relative path that climbs out of the root is refused.
    static func below(_ path: [UInt8]) throws(PathError) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for name in components(path) {
            if name == dotDot {
                if result.popLast() == nil, path.first != UInt8(ascii: "/") { throw PathError("leaves the root") }
                continue
            }
            guard name.count <= nameLimit else {
                throw PathError("has a name longer than \(nameLimit) bytes", isLimit: true)
            }
            result.append(name)
        }
        return result
    }

    static func joined(_ names: [[UInt8]]) -> [UInt8] {
        Array(names.joined(separator: [UInt8(ascii: "/")]))
    }

    /// For messages: quoted, on one line, not longer than a line.
    static func shown(_ path: some Collection<UInt8>) -> String {
        let text = String(decoding: path.prefix(200), as: UTF8.self).escapingControls
        return "\"" + text + (path.count > 200 ? "…" : "") + "\""
    }
}
