import LinuxKernel

/// The records of a PAX extended header: `LENGTH KEY=VALUE\n`.
struct PAXRecords {
    /// In the order of the header: GNU's sparse format 0.0 repeats keys.
    var records: [(key: String, value: [UInt8])] = []

    init() {}

    init(parsing bytes: [UInt8]) throws(TarError) {
        var rest = bytes[...]
        while let first = rest.first, first != 0 {
            guard let space = rest.prefix(21).firstIndex(of: 0x20),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1, length <= rest.count
            else { throw TarError("extended header is malformed") }
            let record = rest[(space + 1)..<(rest.startIndex + length)]
            rest = rest[(rest.startIndex + length)...]
            guard record.last == 0x0a, let equals = record.firstIndex(of: UInt8(ascii: "=")), equals > record.startIndex
            else { throw TarError("extended header is malformed") }
            let key = record[..<equals]
            guard !key.contains(0) else { throw TarError("extended header is malformed") }
            let name = String(decoding: key, as: UTF8.self)
            let value = Array(record[(equals + 1)...].dropLast())
            if ["path", "linkpath", "GNU.sparse.name"].contains(name), value.contains(0) {
                throw TarError("name holds a zero byte")
            }
            records.append((name, value))
        }
    }

    /// These records over others, which for a member are the global ones. An empty value takes the other's away.
    func over(_ other: PAXRecords) -> PAXRecords {
        if other.records.isEmpty { return self }
        let own = Set(records.map(\.key))
        var result = PAXRecords()
        result.records = other.records.filter { !own.contains($0.key) } + records
        return result
    }

    subscript(key: String) -> [UInt8]? {
        records.last { $0.key == key }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    func integer(_ key: String) throws(TarError) -> Int64? {
        guard let value = self[key] else { return nil }
        return try PAXRecords.integer(value[...], key)
    }

    static func integer(_ digits: ArraySlice<UInt8>, _ what: String) throws(TarError) -> Int64 {
        guard !digits.isEmpty, digits.count < 20, let value = Int64(String(decoding: digits, as: UTF8.self)) else {
            throw TarError("extended header: \(what) is not a number")
        }
        return value
    }

    /// Puts what the records say over what the header says. Sizes are the reader's business.
    func apply(to entry: inout TarEntry) throws(TarError) {
        if records.isEmpty { return }
        if let path = self["path"] { entry.path = path }
        if let target = self["linkpath"] { entry.target = target }
        if let uid = try integer("uid") { entry.uid = try TarHeader.id(uid, "uid") }
        if let gid = try integer("gid") { entry.gid = try TarHeader.id(gid, "gid") }
        if let time = self["mtime"] { entry.modified = try PAXRecords.time(time) }
        // An empty value takes an attribute away, as it does all else; podman reads it so as well.
        for (key, value) in records {
            if key.hasPrefix("SCHILY.xattr.") {
                entry.set(String(key.dropFirst("SCHILY.xattr.".count)), to: value)
            } else if key.hasPrefix("LIBARCHIVE.xattr.") {
                // libarchive writes both kinds; the other one needs no decoding, but either may come alone.
                guard let decoded = Base64.decode(value) else { throw TarError("extended header is malformed") }
                entry.set(PAXRecords.percentDecoded(key.dropFirst("LIBARCHIVE.xattr.".count)), to: decoded)
            }
        }
    }

    /// `1700000000.123456789`, more digits cut off, before 1970 with a minus.
    static func time(_ text: [UInt8]) throws(TarError) -> FileTime {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let negative = parts[0].first == UInt8(ascii: "-")
        let seconds = parts[0].elementsEqual("-".utf8) ? 0 : try integer(parts[0], "mtime")
        guard parts.count == 2, !parts[1].isEmpty else { return FileTime(seconds: seconds) }
        var nanoseconds: Int64 = 0
        for index in 0..<9 {
            let digit = index < parts[1].count ? parts[1][parts[1].startIndex + index] : 0x30
            guard (0x30...0x39).contains(digit) else { throw TarError("extended header: mtime is not a number") }
            nanoseconds = nanoseconds * 10 + Int64(digit - 0x30)
        }
        if negative, nanoseconds > 0 {
            return FileTime(seconds: seconds - 1, nanoseconds: UInt32(1_000_000_000 - nanoseconds))
        }
        return FileTime(seconds: seconds, nanoseconds: UInt32(nanoseconds))
    }

    private static func percentDecoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension TarEntry {
    /// The last of several values counts.
    fileprivate mutating func set(_ name: String, to value: [UInt8]) {
        attributes.removeAll { $0.name == name }
        if value.isEmpty { return }
        attributes.append(ExtendedAttribute(name: name, value: value))
    }
}

/// RFC 4648, with or without padding.
enum Base64 {
    static func decode(_ text: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text where byte != UInt8(ascii: "=") && byte != 0x0a && byte != 0x0d {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return result
    }
}
