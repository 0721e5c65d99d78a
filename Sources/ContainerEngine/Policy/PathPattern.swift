/// The shell patterns of `--security-opt unmask=`: `*` and `?` match within one component.
package enum PathPattern {
    package static func matches(_ path: String, pattern: String) -> Bool {
        matches(Array(path.utf8)[...], Array(pattern.utf8)[...])
    }

    private static func matches(_ path: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        let rest = pattern.dropFirst()
        switch first {
        case UInt8(ascii: "*"):
            if matches(path, rest) { return true }
            guard let head = path.first, head != UInt8(ascii: "/") else { return false }
            return matches(path.dropFirst(), pattern)
        case UInt8(ascii: "?"):
            guard let head = path.first, head != UInt8(ascii: "/") else { return false }
            return matches(path.dropFirst(), rest)
        case UInt8(ascii: "\\") where !rest.isEmpty:
            return path.first == rest.first && matches(path.dropFirst(), rest.dropFirst())
        default:
            return path.first == first && matches(path.dropFirst(), rest)
        }
    }
}
