import CYAML
import OCISpec

/// Builds values from libyaml's events. One object reads one document.
final class YAMLReader {
    private let parser: YAMLEvents
    private let limits: JSON.YAMLLimits
    /// Values that stand complete. One that is still being read is not among them, so that none contains itself.
    private var anchors: [String: Anchor] = [:]
    private var spent = Weight()
    private var depth = 0
    /// The deepest that the value in hand has come so far.
    private var deepest = 0

    /// What a value costs: itself and what it holds.
    struct Weight {
        var values = 0
        var text = 0
    }

    private struct Anchor {
        let value: JSON
        let weight: Weight
        /// How many levels it has.
        let height: Int
    }

    init(bytes: [UInt8], limits: JSON.YAMLLimits) {
        parser = YAMLEvents(bytes: bytes)
        self.limits = limits
    }

    func document() throws(DocumentError) -> JSON {
        guard case .streamStart = try parser.next().kind else { return .null }
        guard case .documentStart = try parser.next().kind else { return .null }
        let value = try value(try parser.next())
        _ = try parser.next()  // the document's end
        let after = try parser.next()
        guard case .streamEnd = after.kind else { throw after.failure("has a second document") }
        return value
    }

    private func value(_ event: YAMLEvent) throws(DocumentError) -> JSON {
        let before = spent
        let deepestBefore = deepest
        deepest = depth
        defer { deepest = max(deepest, deepestBefore) }
        let value: JSON
        switch event.kind {
        case .alias: return try alias(event)
        case .scalar(let text, let plain):
            try spend(Weight(values: 1, text: text.utf8.count), at: event)
            value = try scalar(text, plain: plain, of: event)
        case .sequenceStart: value = try sequence(event)
        case .mappingStart: value = try mapping(event)
        default: throw event.failure("has no value")
        }
        if let anchor = event.anchor {
            let weight = Weight(values: spent.values - before.values, text: spent.text - before.text)
            anchors[anchor] = Anchor(value: value, weight: weight, height: deepest - depth)
        }
        return value
    }

    private func alias(_ event: YAMLEvent) throws(DocumentError) -> JSON {
        let name = event.anchor ?? ""
        guard let anchor = anchors[name] else { throw event.failure("has no anchor &\(name) before *\(name)") }
        try spend(anchor.weight, at: event)
        try reach(depth + anchor.height, at: event)
        return anchor.value
    }

    private func scalar(_ text: String, plain: Bool, of event: YAMLEvent) throws(DocumentError) -> JSON {
        switch event.tag {
        case nil, "!": return plain && event.tag == nil ? YAMLScalar.value(of: text) : .string(text)
        case "tag:yaml.org,2002:str", "tag:yaml.org,2002:binary", "tag:yaml.org,2002:timestamp": return .string(text)
        case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null":
            let value = YAMLScalar.value(of: text)
            if case .string = value { throw event.failure("has a value that is not of its tag") }
            return value
        default: throw event.unknownTag()
        }
    }

    private func sequence(_ event: YAMLEvent) throws(DocumentError) -> JSON {
        guard event.tag == nil || event.tag == "tag:yaml.org,2002:seq" else { throw event.unknownTag() }
        try enter(event)
        defer { depth -= 1 }
        var elements: [JSON] = []
        while true {
            let next = try parser.next()
            if case .sequenceEnd = next.kind { return .array(elements) }
            elements.append(try value(next))
        }
    }

    private func mapping(_ event: YAMLEvent) throws(DocumentError) -> JSON {
        guard event.tag == nil || event.tag == "tag:yaml.org,2002:map" else { throw event.unknownTag() }
        try enter(event)
        defer { depth -= 1 }
        var members: [JSON.Member] = []
        var merged: [JSON.Member] = []
        var names: Set<String> = []
        while true {
            let next = try parser.next()
            if case .mappingEnd = next.kind { break }
            let (name, merges) = try self.name(next)
            let value = try value(try parser.next())
            if merges {
                merged += try mergedMembers(value, at: next)
                continue
            }
            guard names.insert(name).inserted else { throw next.failure("has the name \"\(name)\" twice") }
            members.append(JSON.Member(name, value))
        }
        // What stands in the map itself wins, and of several merged maps the first.
        for member in merged where names.insert(member.name).inserted { members.append(member) }
        return .object(members)
    }

    /// The name of a member, and whether it is the merge key.
    private func name(_ event: YAMLEvent) throws(DocumentError) -> (String, merges: Bool) {
        switch event.kind {
        case .scalar(let text, let plain):
            try spend(Weight(values: 1, text: text.utf8.count), at: event)
            if let anchor = event.anchor {
                let weight = Weight(values: 1, text: text.utf8.count)
                anchors[anchor] = Anchor(value: .string(text), weight: weight, height: 0)
            }
            return (text, plain && text == "<<")
        case .alias:
            guard let text = try alias(event).string else { throw event.failure("has a name that is not a text") }
            return (text, false)
        default: throw event.failure("has a name that is a list or a map")
        }
    }

    private func mergedMembers(_ value: JSON, at event: YAMLEvent) throws(DocumentError) -> [JSON.Member] {
        if let members = value.members { return members }
        guard let maps = value.array else { throw event.failure("merges what is not a map") }
        var result: [JSON.Member] = []
        for map in maps {
            guard let members = map.members else { throw event.failure("merges what is not a map") }
            result += members
        }
        return result
    }

    private func enter(_ event: YAMLEvent) throws(DocumentError) {
        try reach(depth + 1, at: event)
        try spend(Weight(values: 1), at: event)
        depth += 1
    }

    /// By alias a short document could stand for one so deep that no thread's stack holds those who walk it.
    private func reach(_ level: Int, at event: YAMLEvent) throws(DocumentError) {
        guard level <= JSON.depthLimit else { throw event.failure("nests deeper than \(JSON.depthLimit) levels") }
        deepest = max(deepest, level)
    }

    private func spend(_ weight: Weight, at event: YAMLEvent) throws(DocumentError) {
        spent.values += weight.values
        spent.text += weight.text
        guard spent.values <= limits.values else { throw event.failure("has more than \(limits.values) values") }
        guard spent.text <= limits.text else { throw event.failure("has more than \(limits.text) bytes of text") }
    }
}

extension YAMLEvent {
    fileprivate func unknownTag() -> DocumentError {
        failure("has a tag that means nothing here: \(tag ?? "")")
    }
}
