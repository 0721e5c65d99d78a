/// What kind of device a vendor offers: `vendor.com/class`.
public struct CDIKind: Equatable, Hashable, Sendable, Comparable, CustomStringConvertible {
    public let vendor: String
    public let deviceClass: String

    /// Checks the grammar of the CDI specification, section "Kind".
    public init(_ text: String) throws(CDIError) {
        guard let cut = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            throw CDIError(.invalid, "kind \"\(text.printable)\": is not VENDOR/CLASS")
        }
        vendor = String(text[..<cut])
        deviceClass = String(text[text.utf8.index(after: cut)...])
        try Self.check(vendor, "vendor", limit: 253)
        try Self.check(deviceClass, "class", limit: 63)
    }

    private static func check(_ word: String, _ what: String, limit: Int) throws(CDIError) {
        guard word.utf8.count <= limit else {
            throw CDIError(.invalid, "\(what) \"\(word.printable)\": is longer than \(limit) characters")
        }
        guard isName(word, beginsWith: \.isLetter, within: "_-.") else {
            throw CDIError(
                .invalid,
                "\(what) \"\(word.printable)\": must begin with a letter, end with a letter or digit, and have "
                    + "only letters, digits, '_', '-' and '.' between")
        }
    }

    fileprivate static func isName(
        _ word: String, beginsWith: (UInt8) -> Bool, within others: StaticString
    ) -> Bool {
        let bytes = Array(word.utf8)
        guard let first = bytes.first, let last = bytes.last, beginsWith(first), last.isAlphanumeric else {
            return false
        }
        return bytes.allSatisfy { byte in
            byte.isAlphanumeric || others.withUTF8Buffer { $0.contains(byte) }
        }
    }

    public var description: String { "\(vendor)/\(deviceClass)" }

    public static func < (a: CDIKind, b: CDIKind) -> Bool { a.description < b.description }
}

/// A device by its whole name: `vendor.com/class=name`.
public struct CDIName: Equatable, Hashable, Sendable, CustomStringConvertible {
    public let kind: CDIKind
    public let device: String

    /// Checks the grammar of a qualified name.
    public init(_ text: String) throws(CDIError) {
        guard let cut = text.utf8.firstIndex(of: UInt8(ascii: "=")), cut != text.startIndex else {
            throw CDIError(.invalid, "device \"\(text.printable)\": is not VENDOR/CLASS=NAME")
        }
        do {
            kind = try CDIKind(String(text[..<cut]))
        } catch {
            throw CDIError(.invalid, "device \"\(text.printable)\": \(error)")
        }
        device = String(text[text.utf8.index(after: cut)...])
        try Self.check(device: device)
    }

    public init(_ kind: CDIKind, _ device: String) throws(CDIError) {
        self.kind = kind
        self.device = device
        try Self.check(device: device)
    }

    static func check(device: String) throws(CDIError) {
        guard CDIKind.isName(device, beginsWith: \.isAlphanumeric, within: "_-.:") else {
            throw CDIError(
                .invalid,
                "device name \"\(device.printable)\": must begin and end with a letter or digit, and have only "
                    + "letters, digits, '_', '-', '.' and ':' between")
        }
    }

    /// Whether a word of `--device` is meant as such a name and not as a path of the host.
    public static func isQualified(_ text: String) -> Bool {
        !text.hasPrefix("/") && text.utf8.contains(UInt8(ascii: "=")) && (try? CDIName(text)) != nil
    }

    public var description: String { "\(kind)=\(device)" }
}

extension UInt8 {
    var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }
    var isDigit: Bool { (0x30...0x39).contains(self) }
    var isAlphanumeric: Bool { isLetter || isDigit }
}
