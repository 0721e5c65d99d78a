public import OCISpec

extension JSON {
    /// What a YAML document may cost its reader; the limits are far above any real document.
    public struct YAMLLimits: Sendable {
        /// The length of the document in bytes.
        public var bytes = 16 << 20
        /// How many values it may stand for once every alias is replaced by what it names. A few hundred bytes of
        /// aliases of aliases ("billion laughs") stand for more than any memory holds.
        public var values = 1 << 20
        /// The length of all its texts together, in bytes, once every alias is replaced.
        public var text = 64 << 20

        public init() {}
    }

    /// Reads one YAML 1.1 document, which must be all of `bytes`, into the JSON value that it stands for.
    ///
    /// YAML is read for what strangers write in place of JSON (Ray Serve's files, CDI's), so the result is a `JSON` and
    /// every `JSONDocument` reads it. Plain scalars mean what PyYAML and Go's yaml take them for: `yes`, `no`, `on` and
    /// `off` are Booleans, `0644` is octal, `~` is null. A time, a number to the base 60, `.inf` and `.nan` have no JSON
    /// and stay texts. Names of members are texts whatever they look like. `<<` merges, as PyYAML has it. An empty
    /// document is null.
    ///
    /// - Throws: `DocumentError` with an empty path, the reason saying line and column: for what is not YAML, a second
    ///   document, a name that comes twice, a name that is a list or a map, an alias that no anchor went before, a tag
    ///   that is not YAML's own, more nesting than `depthLimit`, and whatever is beyond `limits`.
    public init(
        yaml bytes: some Collection<UInt8>, limits: YAMLLimits = YAMLLimits()
    ) throws(DocumentError) {
        guard bytes.count <= limits.bytes else {
            throw DocumentError(reason: "is longer than \(limits.bytes) bytes")
        }
        let reader = YAMLReader(bytes: Array(bytes), limits: limits)
        self = try reader.document()
    }

    /// Reads one YAML document from text.
    public init(yaml text: String) throws(DocumentError) {
        try self.init(yaml: Array(text.utf8))
    }
}
