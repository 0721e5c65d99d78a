import OCISpec

/// An object of `resources`, read member by member; what has the wrong type is named.
struct ResourceReader {
    private let json: JSON
    private let path: String

    init(_ json: JSON, path: String) {
        self.json = json
        self.path = path
    }

    var names: [String] { (json.members ?? []).map(\.name) }
    var isEmpty: Bool { names.isEmpty }

    func object(_ name: String) throws(CgroupError) -> ResourceReader? {
        guard let value = member(name) else { return nil }
        guard value.members != nil else { throw wrong(name, "an object") }
        return ResourceReader(value, path: place(name))
    }

    func list(_ name: String) throws(CgroupError) -> [ResourceReader] {
        guard let value = member(name) else { return [] }
        guard let elements = value.array else { throw wrong(name, "an array") }
        var readers: [ResourceReader] = []
        for element in elements {
            guard element.members != nil else { throw wrong(name, "an array of objects") }
            readers.append(ResourceReader(element, path: place(name)))
        }
        return readers
    }

    func integer(_ name: String) throws(CgroupError) -> Int64? {
        guard let value = member(name) else { return nil }
        // Go programs write "no limit" as the largest unsigned number, too.
        if case .unsigned = value { return -1 }
        guard let number = value.integer else { throw wrong(name, "an integer") }
        return number
    }

    func unsigned(_ name: String) throws(CgroupError) -> UInt64? {
        guard let value = member(name) else { return nil }
        guard let number = value.unsigned else { throw wrong(name, "an integer that is not negative") }
        return number
    }

    func string(_ name: String) throws(CgroupError) -> String? {
        guard let value = member(name) else { return nil }
        guard let text = value.string, !text.utf8.contains(0) else { throw wrong(name, "a string") }
        return text
    }

    func bool(_ name: String) throws(CgroupError) -> Bool? {
        guard let value = member(name) else { return nil }
        guard let flag = value.bool else { throw wrong(name, "true or false") }
        return flag
    }

    private func member(_ name: String) -> JSON? {
        guard let value = json[name], value != .null else { return nil }
        return value
    }

    private func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private func wrong(_ name: String, _ expected: String) -> CgroupError {
        CgroupError(.invalid, "linux.resources.\(place(name).escapingControls) is not \(expected)")
    }
}
