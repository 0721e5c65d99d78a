/// One option of one verb: everything that parsing, help, completions and the man page know about it.
///
/// Rows stand in static tables made of literals and closures that capture nothing, so that a table costs the start
/// path next to nothing.
package struct OptionRow<Target>: Sendable {
    /// Sets the option's value, as written, on what is being configured.
    package typealias Apply = @Sendable (inout Target, String) throws(CommandError) -> Void

    package let description: OptionDescription
    package let effect: Effect

    package enum Effect: Sendable {
        case apply(Apply)
        /// Each comma-separated field is applied on its own, quoted fields as in a CSV file.
        case applyEach(Apply)
        /// Accepted, because here it cannot mean anything else than what happens anyway.
        case accept
        /// Accepted with one line on stderr that says what is left out.
        case warn(String)
        /// podman has it, we do not (yet): refused by name.
        case refuse
    }
}

/// The part of a row that is the same whatever the option configures.
package struct OptionDescription: Sendable {
    package let name: String
    /// The letter after a single dash; 0 for none.
    package let short: UInt8
    package let kind: Kind
    /// What the value is called in help; empty for a flag.
    package let placeholder: String
    /// Empty for what help does not show.
    package let help: String

    package enum Kind: Sendable {
        /// Takes no value unless written `--flag=false`.
        case flag
        case value
    }

    package var isHidden: Bool { help.isEmpty }
}

extension OptionRow {
    /// A boolean: `--rm`, `--rm=false`.
    package static func flag(
        _ name: String, _ short: Unicode.Scalar? = nil, _ help: String,
        _ set: @escaping @Sendable (inout Target, Bool) -> Void
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(
                name: name, short: short.map { UInt8($0.value) } ?? 0, kind: .flag, placeholder: "", help: help),
            effect: .apply { (target, text) throws(CommandError) in
                set(&target, try parseBool(text))
            })
    }

    /// A flag that may be given a word: `--trace`, `--trace=json`. Alone it is `true`.
    package static func optional(
        _ name: String, _ placeholder: String, _ help: String, _ apply: @escaping Apply
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(name: name, short: 0, kind: .flag, placeholder: placeholder, help: help),
            effect: .apply(apply))
    }

    /// An option with one value; said twice, the later wins unless `apply` appends.
    package static func value(
        _ name: String, _ short: Unicode.Scalar? = nil, _ placeholder: String, _ help: String,
        _ apply: @escaping Apply
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(
                name: name, short: short.map { UInt8($0.value) } ?? 0, kind: .value, placeholder: placeholder,
                help: help),
            effect: .apply(apply))
    }

    /// An option whose value is a comma-separated list, applied field by field.
    package static func list(
        _ name: String, _ short: Unicode.Scalar? = nil, _ placeholder: String, _ help: String,
        _ apply: @escaping Apply
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(
                name: name, short: short.map { UInt8($0.value) } ?? 0, kind: .value, placeholder: placeholder,
                help: help),
            effect: .applyEach(apply))
    }

    /// podman has it; accepted and without effect.
    package static func accepted(
        _ name: String, _ short: Unicode.Scalar? = nil, _ kind: OptionDescription.Kind = .value, _ help: String = ""
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(
                name: name, short: short.map { UInt8($0.value) } ?? 0, kind: kind,
                placeholder: kind == .flag ? "" : "VALUE", help: help), effect: .accept)
    }

    /// podman has it; accepted with a warning.
    package static func warned(
        _ name: String, _ short: Unicode.Scalar? = nil, _ kind: OptionDescription.Kind = .value, _ warning: String
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(
                name: name, short: short.map { UInt8($0.value) } ?? 0, kind: kind,
                placeholder: kind == .flag ? "" : "VALUE", help: ""), effect: .warn(warning))
    }

    /// podman has it; refused by name.
    package static func refused(
        _ name: String, _ short: Unicode.Scalar? = nil, _ kind: OptionDescription.Kind = .value
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(
                name: name, short: short.map { UInt8($0.value) } ?? 0, kind: kind,
                placeholder: kind == .flag ? "" : "VALUE", help: ""), effect: .refuse)
    }
}
