// The grammar of the distribution specification with Docker's reading of it:
//
//     [REGISTRY[:PORT]/]COMPONENT[/COMPONENT…][:TAG][@DIGEST]
//
// Everything is compared by bytes. Swift's characters would not do: the Kelvin sign equals K.

extension Reference {
    /// Reads a name; one without a registry is Docker's, as `debian` is `docker.io/library/debian:latest`.
    ///
    /// - Throws: `ReferenceError`.
    public init(parsing text: String) throws(ReferenceError) {
        self = try ImageName(parsing: text).qualified()
    }

    /// The name as written when it names no registry, and nil when it names one.
    ///
    /// - Throws: `ReferenceError`.
    public static func parseShort(_ text: String) throws(ReferenceError) -> ImageName? {
        let name = try ImageName(parsing: text)
        return name.isShort ? name : nil
    }
}

extension ImageName {
    /// Registry and repository together.
    public static let lengthLimit = 255
    public static let tagLengthLimit = 128

    /// Reads a name as a person writes it.
    ///
    /// - Throws: `ReferenceError`.
    public init(parsing text: String) throws(ReferenceError) {
        do {
            try self.init(checking: Array(text.utf8)[...])
        } catch {
            throw ReferenceError(text: text, reason: error.reason)
        }
    }

    private init(checking text: ArraySlice<UInt8>) throws(Flaw) {
        guard !text.isEmpty else { throw Flaw("it is empty") }
        // Longer than any name: no need to look at it.
        guard text.count <= Self.lengthLimit + Self.tagLengthLimit + 100 else { throw Flaw("it is too long") }
        guard text.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Flaw("only letters, digits and some punctuation may stand in it")
        }
        if text.contains(sequence: Array("://".utf8)) {
            throw Flaw("it is a URL, leave out what stands before the host")
        }

        var rest = text
        digest = try Self.cutDigest(from: &rest)
        if rest.count == 64, digest == nil, rest.allSatisfy(\.isLowerHexDigit) {
            throw Flaw("64 hexadecimal digits are an image id")
        }
        registry = try Self.cutRegistry(from: &rest)
        tag = try Self.cutTag(from: &rest)
        try Self.checkRepository(rest)
        repository = String(decoding: rest, as: UTF8.self)
        let length = rest.count + (registry.map { $0.utf8.count + 1 } ?? 0)
        guard length <= Self.lengthLimit else {
            throw Flaw("without tag and digest it may have \(Self.lengthLimit) characters")
        }
    }

    private static func cutDigest(from text: inout ArraySlice<UInt8>) throws(Flaw) -> Digest? {
        guard let at = text.firstIndex(of: UInt8(ascii: "@")) else { return nil }
        let digits = String(decoding: text[(at + 1)...], as: UTF8.self)
        text = text[..<at]
        do {
            return try Digest(parsing: digits)
        } catch {
            throw Flaw("what follows the @ \(error.reason)")
        }
    }

    /// What stands before the first slash is a registry if it could not be a repository's component: it has a dot or
    /// a colon, or is `localhost`.
    private static func cutRegistry(from text: inout ArraySlice<UInt8>) throws(Flaw) -> String? {
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let host = text[..<slash]
        guard
            host.contains(UInt8(ascii: ".")) || host.contains(UInt8(ascii: ":"))
                || host.elementsEqual("localhost".utf8)
        else { return nil }
        try checkRegistry(host)
        text = text[(slash + 1)...]
        let name = String(decoding: host, as: UTF8.self)
        return name == "index.docker.io" ? "docker.io" : name
    }

    private static func checkRegistry(_ text: ArraySlice<UInt8>) throws(Flaw) {
        var host = text
        var port: ArraySlice<UInt8>?
        if text.first == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: UInt8(ascii: "]")) else { throw Flaw("the registry lacks a ]") }
            let address = text[(text.startIndex + 1)..<close]
            let rest = text[(close + 1)...]
            guard address.count >= 2,
                address.allSatisfy({ $0.isLowerHexDigit || "ABCDEF:".utf8.contains($0) }),
                rest.isEmpty || rest.first == UInt8(ascii: ":")
            else { throw Flaw("the registry is not an address in brackets") }
            try checkPort(rest.isEmpty ? nil : rest.dropFirst())
            return
        }
        if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            host = text[..<colon]
            port = text[(colon + 1)...]
        }
        try checkPort(port)
        for label in host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard let first = label.first, let last = label.last, first.isAlphanumeric, last.isAlphanumeric,
                label.allSatisfy({ $0.isAlphanumeric || $0 == UInt8(ascii: "-") })
            else { throw Flaw("the registry is not a host name") }
        }
    }

    private static func checkPort(_ digits: ArraySlice<UInt8>?) throws(Flaw) {
        guard let digits else { return }
        guard digits.count <= 5, digits.allSatisfy(\.isDigit),
            let port = Int(String(decoding: digits, as: UTF8.self)), (1...65535).contains(port)
        else { throw Flaw("the registry's port is not a number from 1 to 65535") }
    }

    private static func cutTag(from text: inout ArraySlice<UInt8>) throws(Flaw) -> String? {
        let lastComponent = text.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? text.startIndex
        guard let colon = text[lastComponent...].firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let tag = text[(colon + 1)...]
        text = text[..<colon]
        guard let first = tag.first else { throw Flaw("the tag is empty") }
        guard tag.count <= tagLengthLimit else { throw Flaw("the tag may have \(tagLengthLimit) characters") }
        let isWord = { (byte: UInt8) in byte.isAlphanumeric || byte == UInt8(ascii: "_") }
        guard isWord(first), tag.allSatisfy({ isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
        else { throw Flaw("a tag has letters, digits, _, . and -, and starts with none of the last two") }
        return String(decoding: tag, as: UTF8.self)
    }

    private static func checkRepository(_ text: ArraySlice<UInt8>) throws(Flaw) {
        guard !text.isEmpty else { throw Flaw("the repository is missing") }
        guard !text.contains(where: \.isUpperLetter) else { throw Flaw("repository names are lower case") }
        for component in text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            try checkComponent(component)
        }
    }

    /// Runs of letters and digits, separated by one dot, one or two underscores, or any number of dashes.
    private static func checkComponent(_ component: ArraySlice<UInt8>) throws(Flaw) {
        guard let first = component.first, let last = component.last else {
            throw Flaw("the repository has an empty component")
        }
        let isWord = { (byte: UInt8) in byte.isLowerLetter || byte.isDigit }
        guard component.allSatisfy({ isWord($0) || $0 == UInt8(ascii: ".") || "_-".utf8.contains($0) }) else {
            throw Flaw("a repository has letters, digits, _, . and - between slashes")
        }
        guard isWord(first), isWord(last) else {
            throw Flaw("a component of the repository starts and ends with a letter or digit")
        }
        for separator in component.split(whereSeparator: isWord) {
            let isDashes = separator.allSatisfy { $0 == UInt8(ascii: "-") }
            guard isDashes || ["_", "__", "."].contains(String(decoding: separator, as: UTF8.self)) else {
                throw Flaw("\"\(String(decoding: separator, as: UTF8.self))\" may not stand in a repository")
            }
        }
    }
}

/// What is wrong, before it is known what with.
private struct Flaw: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

extension UInt8 {
    var isAlphanumeric: Bool { isLowerLetter || isUpperLetter || isDigit }
}

extension ArraySlice where Element == UInt8 {
    fileprivate func contains(sequence: [UInt8]) -> Bool {
        indices.contains { self[$0...].starts(with: sequence) }
    }
}
