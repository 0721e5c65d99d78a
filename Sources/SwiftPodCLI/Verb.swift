import OptionGrammar

/// One command: how it is called, what help says about it, and what it does.
struct Verb: Sendable {
    let name: String
    var aliases: [String] = []
    /// One line.
    let summary: String
    /// What follows the name: `[options] IMAGE [COMMAND [ARG...]]`.
    let usage: String
    /// Command lines without the program's name.
    var examples: [String] = []
    var options: @Sendable () -> [OptionDescription] = { [] }
    let run: @Sendable (inout Invocation) throws -> Int32

    func answers(to word: String) -> Bool { name == word || aliases.contains(word) }
}

/// A command line on its way: who was called, how, with what.
struct Invocation {
    /// What the program calls itself: `swiftpod`, or `podman` where it was called so.
    let program: String
    /// The names that led to the verb: `["image", "ls"]`.
    var path: [String]
    /// What follows the verb.
    var words: ArraySlice<String>
    var globals: GlobalOptions
    let caller: Caller
    /// When the program began, by the monotonic clock, in nanoseconds.
    var started: UInt64 = 0

    /// Applies the options after the verb and returns the other words.
    mutating func parse<Target>(
        _ table: OptionParser<Target>.Table, into target: inout Target, interspersed: Bool = true
    ) throws -> [String] {
        let parser = OptionParser(rows: table, interspersed: interspersed)
        return try parser.parse(words, into: &target, globals: &globals)
    }

    /// For a verb without options of its own.
    mutating func positionals() throws -> [String] {
        var nothing: Void = ()
        return try parse([], into: &nothing)
    }
}

extension Verb {
    /// The descriptions of a table, for ``options``.
    static func described<Target>(_ table: OptionParser<Target>.Table) -> [OptionDescription] {
        table.joined().map(\.description).filter { !$0.isHidden }
    }
}
