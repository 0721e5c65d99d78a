import CYAML
import OCISpec

/// One event of libyaml's, in values of ours.
struct YAMLEvent {
    enum Kind {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case alias
        /// `plain` where the text is neither quoted nor a block, so that `5` is a number.
        case scalar(String, plain: Bool)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
    }

    let kind: Kind
    /// The anchor that this value is given, or, for an alias, the one that it names.
    var anchor: String?
    var tag: String?
    /// Line and column, both from 0.
    var line = 0
    var column = 0

    func failure(_ reason: String) -> DocumentError {
        DocumentError(reason: "is not YAML that can be read: \(reason) at line \(line + 1), column \(column + 1)")
    }
}

/// libyaml's parser over bytes in memory.
final class YAMLEvents {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(bytes: [UInt8]) {
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: max(bytes.count, 1))
        _ = input.update(fromContentsOf: bytes)
        guard yaml_parser_initialize(parser) == 1 else { fatalError("no memory for a YAML parser") }
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        // Without this a document could come in UTF-16, and its length limit would say little about its texts.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event; libyaml repeats the stream's end for ever.
    func next() throws(DocumentError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        return converted(event)
    }

    private func converted(_ event: yaml_event_t) -> YAMLEvent {
        var result: YAMLEvent
        switch event.type {
        case YAML_STREAM_START_EVENT: result = YAMLEvent(kind: .streamStart)
        case YAML_DOCUMENT_START_EVENT: result = YAMLEvent(kind: .documentStart)
        case YAML_DOCUMENT_END_EVENT: result = YAMLEvent(kind: .documentEnd)
        case YAML_ALIAS_EVENT: result = YAMLEvent(kind: .alias, anchor: text(event.data.alias.anchor))
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            result = YAMLEvent(
                kind: .scalar(value, plain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
                anchor: text(scalar.anchor), tag: text(scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            result = YAMLEvent(kind: .sequenceStart, anchor: text(start.anchor), tag: text(start.tag))
        case YAML_SEQUENCE_END_EVENT: result = YAMLEvent(kind: .sequenceEnd)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            result = YAMLEvent(kind: .mappingStart, anchor: text(start.anchor), tag: text(start.tag))
        case YAML_MAPPING_END_EVENT: result = YAMLEvent(kind: .mappingEnd)
        default: result = YAMLEvent(kind: .streamEnd)
        }
        result.line = event.start_mark.line
        result.column = event.start_mark.column
        return result
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func failure() -> DocumentError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "no memory"
        let mark = parser.pointee.problem_mark
        return DocumentError(
            reason: "is not valid YAML: \(problem) at line \(mark.line + 1), column \(mark.column + 1)")
    }
}
