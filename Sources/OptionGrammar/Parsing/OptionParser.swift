/// Reads a command line in the grammar of pflag, which podman uses: `--flag=value`, `--flag value`, clusters of short
/// options, a value joined to its letter, booleans with `=false`, `--`.
package struct OptionParser<Target> {
    package typealias Table = [[OptionRow<Target>]]

    /// The verb's own options, looked up first.
    let rows: Table
    /// What may stand anywhere: podman's global options.
    let globals: [[OptionRow<GlobalOptions>]]
    /// Whether options may follow the first positional word. They may not where the rest is somebody else's command.
    let interspersed: Bool

    package init(rows: Table, globals: [[OptionRow<GlobalOptions>]] = GlobalOptions.table, interspersed: Bool) {
        self.rows = rows
        self.globals = globals
        self.interspersed = interspersed
    }

    /// Applies the options and returns the positional words.
    package func parse(
        _ words: ArraySlice<String>, into target: inout Target, globals state: inout GlobalOptions
    ) throws -> [String] {
        var positionals: [String] = []
        var index = words.startIndex
        while index < words.endIndex {
            let word = words[index]
            index += 1
            let bytes = word.utf8
            if bytes.first != UInt8(ascii: "-") || bytes.count == 1 {
                positionals.append(word)
                if interspersed { continue }
                positionals.append(contentsOf: words[index...])
                break
            }
            if word == "--" {
                positionals.append(contentsOf: words[index...])
                break
            }
            if word.hasPrefix("--") {
                try parseLong(word, words, &index, &target, &state)
            } else {
                try parseCluster(word, words, &index, &target, &state)
            }
        }
        return positionals
    }

    private func parseLong(
        _ word: String, _ words: ArraySlice<String>, _ index: inout Int, _ target: inout Target,
        _ state: inout GlobalOptions
    ) throws {
        let body = word.dropFirst(2)
        let equals = body.utf8.firstIndex(of: UInt8(ascii: "="))
        var name = String(body[..<(equals ?? body.endIndex)])
        var value = equals.map { String(body[body.utf8.index(after: $0)...]) }
        if name.isEmpty || name.utf8.first == UInt8(ascii: "-") { throw CommandError("bad flag syntax: \(word)") }
        if let alias = optionAliases(name) { name = alias }
        guard let row = row(named: name) else {
            if name == "help" { throw HelpRequested() }
            throw unknown(name)
        }
        if value == nil {
            if row.description.kind == .flag {
                value = "true"
            } else if index < words.endIndex, !row.isRefused {
                value = words[index]
                index += 1
            } else if !row.isRefused {
                throw CommandError("flag needs an argument: --\(name)")
            }
        }
        try apply(row, value ?? "", &target, &state)
    }

    private func parseCluster(
        _ word: String, _ words: ArraySlice<String>, _ index: inout Int, _ target: inout Target,
        _ state: inout GlobalOptions
    ) throws {
        var rest = word.dropFirst().utf8[...]
        while let letter = rest.first {
            rest = rest.dropFirst()
            guard let row = row(letter: letter) else {
                if letter == UInt8(ascii: "h") { throw HelpRequested() }
                let shown = String(Unicode.Scalar(letter))
                throw CommandError("unknown shorthand flag: '\(shown)' in \(word)")
            }
            let value: String
            if rest.first == UInt8(ascii: "="), rest.count > 1 {
                value = String(Substring(rest.dropFirst()))
                rest = rest.suffix(0)
            } else if row.description.kind == .flag {
                value = "true"
            } else if !rest.isEmpty {
                value = String(Substring(rest))
                rest = rest.suffix(0)
            } else if index < words.endIndex {
                value = words[index]
                index += 1
            } else {
                let shown = String(Unicode.Scalar(letter))
                throw CommandError("flag needs an argument: '\(shown)' in \(word)")
            }
            try apply(row, value, &target, &state)
        }
    }

    private enum Found {
        case own(OptionRow<Target>)
        case global(OptionRow<GlobalOptions>)

        var description: OptionDescription {
            switch self {
            case .own(let row): row.description
            case .global(let row): row.description
            }
        }

        var isRefused: Bool {
            switch self {
            case .own(let row): if case .refuse = row.effect { true } else { false }
            case .global(let row): if case .refuse = row.effect { true } else { false }
            }
        }
    }

    private func row(named name: String) -> Found? {
        for group in rows {
            if let index = Self.index(of: name, in: group) { return .own(group[index]) }
        }
        for group in globals {
            if let index = OptionParser<GlobalOptions>.index(of: name, in: group) { return .global(group[index]) }
        }
        return nil
    }

    private func row(letter: UInt8) -> Found? {
        for group in rows {
            if let index = group.firstIndex(where: { $0.description.short == letter }) { return .own(group[index]) }
        }
        for group in globals {
            if let index = group.firstIndex(where: { $0.description.short == letter }) { return .global(group[index]) }
        }
        return nil
    }

    /// Lengths first: comparing texts costs many times as much, and there are a hundred and fifty rows.
    fileprivate static func index(of name: String, in rows: [OptionRow<Target>]) -> Int? {
        let count = name.utf8.count
        return rows.firstIndex { $0.description.name.utf8.count == count && $0.description.name == name }
    }

    private func apply(
        _ found: Found, _ value: String, _ target: inout Target, _ state: inout GlobalOptions
    ) throws(CommandError) {
        switch found {
        case .own(let row): try Self.apply(row, value, &target, warnings: &state.warnings)
        case .global(let row):
            var warnings: [String] = []
            try OptionParser<GlobalOptions>.apply(row, value, &state, warnings: &warnings)
            state.warnings += warnings
        }
    }

    fileprivate static func apply(
        _ row: OptionRow<Target>, _ value: String, _ target: inout Target, warnings: inout [String]
    ) throws(CommandError) {
        let description = row.description
        do throws(CommandError) {
            switch row.effect {
            case .apply(let set): try set(&target, value)
            case .applyEach(let set):
                if value.isEmpty { return }
                for field in splitList(value) { try set(&target, field) }
            case .accept:
                if description.kind == .flag { _ = try parseBool(value) }
            case .warn(let warning):
                // `--flag=false` asks for nothing.
                if description.kind == .flag, try !parseBool(value) { return }
                warnings.append("--\(description.name): \(warning)")
            case .refuse:
                if description.kind == .flag, try !parseBool(value) { return }
                throw CommandError("unsupported flag: --\(description.name): podman has it, swiftpod does not yet")
            }
        } catch {
            if case .refuse = row.effect { throw error }
            let short = description.short == 0 ? "" : "-\(String(Unicode.Scalar(description.short))), "
            throw CommandError(
                "invalid argument \(quoted(value)) for \"\(short)--\(description.name)\" flag: \(error.message)",
                exitCode: error.exitCode)
        }
    }

    private func unknown(_ name: String) -> CommandError {
        var known = rows.joined().map(\.description.name)
        known += globals.joined().map(\.description.name)
        known.append("help")
        guard let nearest = nearestName(to: name, among: known) else { return CommandError("unknown flag: --\(name)") }
        return CommandError("unknown flag: --\(name) (did you mean --\(nearest)?)")
    }
}

/// Older spellings that podman accepts everywhere.
private func optionAliases(_ name: String) -> String? {
    switch name {
    case "net": "network"
    case "dns-opt": "dns-option"
    case "healthcheck-command": "health-cmd"
    case "healthcheck-interval": "health-interval"
    case "healthcheck-retries": "health-retries"
    case "healthcheck-start-period": "health-start-period"
    case "healthcheck-timeout": "health-timeout"
    default: nil
    }
}

extension OptionDescription.Kind: Equatable {}
