/// `--gpus`, as docker and podman write it.
public struct GPURequest: Equatable, Sendable {
    public var choice: Choice
    /// `driver=`: one vendor's GPUs only.
    public var vendor: Vendor?
    /// `numa=near`: memory and processors near the GPUs.
    public var isNear = false

    public enum Choice: Equatable, Sendable {
        case all, none
        /// The first so many.
        case count(Int)
        /// By index, UUID, or any other name that a document has.
        case devices([String])
    }

    public enum Vendor: String, Equatable, Sendable, CaseIterable {
        case nvidia, amd, intel

        var kind: String { "\(rawValue).com/gpu" }
    }

    public init(_ choice: Choice) {
        self.choice = choice
    }

    /// Comma-separated fields, each of which may be quoted: `all`, `none`, a count, `device=0,1`, `"device=0,1"`,
    /// `count=2`, `driver=amd`, `capabilities=compute`, `numa=near`.
    ///
    /// A single number is a count, as docker has it; several are devices. Capabilities are checked and need no more:
    /// whatever the driver has is passed.
    public init(_ text: String) throws(CDIError) {
        var reading = Reading(text: text)
        for field in try reading.fields() { try reading.take(field) }
        choice = try reading.choice()
        vendor = reading.vendor
        isNear = reading.isNear
    }
}

/// One argument being read.
private struct Reading {
    let text: String
    var words: [String] = []
    var devices: [String] = []
    var count: GPURequest.Choice?
    var vendor: GPURequest.Vendor?
    var isNear = false
    /// The last field was `device=`, so that bare words behind it are devices too.
    private var isListing = false

    init(text: String) {
        self.text = text
    }

    private static let capabilities: Set<String> = [
        "gpu", "compute", "utility", "graphics", "video", "display", "ngx", "compat32", "all", "nvidia",
    ]

    func error(_ reason: String) -> CDIError {
        CDIError(.invalid, "invalid GPU request \"\(text.printable)\": \(reason)")
    }

    /// As in a CSV file, but that a field which is quoted in part only, `capabilities="a,b"`, is one too.
    func fields() throws(CDIError) -> [String] {
        var fields = [""]
        var isQuoted = false
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: fields.append("")
            default: fields[fields.count - 1].append(character)
            }
        }
        if isQuoted { throw error("a quote is not closed") }
        return fields
    }

    mutating func take(_ field: String) throws(CDIError) {
        guard !field.isEmpty else { throw error("an empty field") }
        guard let cut = field.firstIndex(of: "=") else {
            if isListing { devices.append(field) } else { words.append(field) }
            return
        }
        let value = String(field[field.index(after: cut)...])
        let values = value.split(separator: ",").map(String.init)
        guard !values.isEmpty else { throw error("\(field.printable) has no value") }
        let name = field[..<cut]
        isListing = name == "device"
        switch name {
        case "device": devices += values
        case "count": count = try parse(count: value)
        case "driver":
            guard let known = GPURequest.Vendor(rawValue: value) else {
                throw error("driver \(value.printable) is none of nvidia, amd and intel")
            }
            vendor = known
        case "capabilities":
            for word in values where !Self.capabilities.contains(word) {
                throw error("unknown capability \(word.printable)")
            }
        case "numa":
            guard value == "near" || value == "any" else { throw error("numa is near or any") }
            isNear = value == "near"
        default: throw error("unknown key \(name)")
        }
    }

    private func parse(count word: String) throws(CDIError) -> GPURequest.Choice {
        if word == "all" || word == "-1" { return .all }
        guard let number = Int(word), number >= 0, word.utf8.allSatisfy(\.isDigit) else {
            throw error("count is a number or all")
        }
        return number == 0 ? .none : .count(number)
    }

    func choice() throws(CDIError) -> GPURequest.Choice {
        if count != nil, !devices.isEmpty || !words.isEmpty { throw error("both a count and devices") }
        if let count { return count }
        if !words.isEmpty, !devices.isEmpty { throw error("both a count and devices") }
        if !devices.isEmpty { return Self.named(devices) }
        switch words.count {
        // Nothing but a vendor or a capability: one GPU, as docker has it.
        case 0: return .count(1)
        case 1:
            return words[0] == "-1" || words[0].utf8.allSatisfy(\.isDigit)
                ? try parse(count: words[0]) : Self.named(words)
        default: return Self.named(words)
        }
    }

    private static func named(_ words: [String]) -> GPURequest.Choice {
        if words == ["all"] { return .all }
        return words == ["none"] ? .none : .devices(words)
    }
}
