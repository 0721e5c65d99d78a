import OptionGrammar
import OCISpec

/// A parsed `--format` template. Values are JSON; a missing field is an error, as Go has it for a struct.
package struct Template {
    private let nodes: [TemplateNode]

    /// - Throws: what is wrong with the template's syntax, beginning with `template: `.
    package init(_ text: String) throws(CommandError) {
        nodes = try TemplateParser.parse(text)
    }

    /// The template's text with `value` as the dot.
    package func render(_ value: JSON) throws(CommandError) -> String {
        var run = Run(root: value)
        try run.execute(nodes, dot: value)
        return run.output
    }

    /// The template with each action replaced by what `heading` makes of its first field: a table's first line.
    package func headings(_ heading: (String) -> String) -> String {
        var text = ""
        for node in nodes {
            switch node {
            case .text(let part): text += part
            case .action(let pipeline):
                for case .field(let names) in pipeline.commands.joined() {
                    guard let name = names.last else { continue }
                    text += heading(name)
                    break
                }
            default: break
            }
        }
        return text
    }
}

extension Template {
    /// One evaluation: what has been written and which variables stand.
    fileprivate struct Run {
        var output = ""
        private var variables: [(name: String, value: JSON)]

        init(root: JSON) {
            variables = [("$", root)]
        }

        mutating func execute(_ nodes: [TemplateNode], dot: JSON) throws(CommandError) {
            let depth = variables.count
            for node in nodes {
                switch node {
                case .text(let text): output += text
                case .action(let pipeline):
                    let value = try evaluate(pipeline, dot: dot)
                    if pipeline.variables.isEmpty {
                        output += TemplateValue.text(value)
                    } else {
                        variables.append((pipeline.variables[0], value))
                    }
                case .ifElse(let pipeline, let then, let otherwise):
                    let isTrue = TemplateValue.isTrue(try evaluate(pipeline, dot: dot))
                    try execute(isTrue ? then : otherwise, dot: dot)
                case .with(let pipeline, let then, let otherwise):
                    let value = try evaluate(pipeline, dot: dot)
                    let isTrue = TemplateValue.isTrue(value)
                    try execute(isTrue ? then : otherwise, dot: isTrue ? value : dot)
                case .range(let pipeline, let each, let otherwise):
                    try range(pipeline, each, otherwise, dot: dot)
                }
            }
            variables.removeLast(variables.count - depth)
        }

        private mutating func range(
            _ pipeline: TemplatePipeline, _ each: [TemplateNode], _ otherwise: [TemplateNode], dot: JSON
        ) throws(CommandError) {
            var items: [(key: JSON, value: JSON)] = []
            switch try evaluate(pipeline, dot: dot) {
            case .null: break
            case .array(let values): items = values.enumerated().map { (.integer(Int64($0.offset)), $0.element) }
            case .object(let members):
                // Go visits a map in the order of its keys.
                items = members.sorted { $0.name < $1.name }.map { (.string($0.name), $0.value) }
            case let other: throw CommandError("template: range can't iterate over \(TemplateValue.text(other))")
            }
            if items.isEmpty { return try execute(otherwise, dot: dot) }
            for item in items {
                let depth = variables.count
                if let last = pipeline.variables.last { variables.append((last, item.value)) }
                if pipeline.variables.count == 2 { variables.append((pipeline.variables[0], item.key)) }
                try execute(each, dot: item.value)
                variables.removeLast(variables.count - depth)
            }
        }

        private func evaluate(_ pipeline: TemplatePipeline, dot: JSON) throws(CommandError) -> JSON {
            var piped: JSON?
            for command in pipeline.commands {
                if case .field(let names) = command[0], names.last == "Label", command.count == 2 {
                    // `ps` rows have one method: `{{.Label "name"}}`.
                    let labels = try TemplateValue.field(names, of: dot)
                    piped = try TemplateFunctions.call("index", [labels, try value(of: command[1], dot: dot)])
                    continue
                }
                guard case .function(let name) = command[0] else {
                    guard command.count == 1, piped == nil else {
                        throw CommandError("template: can't give argument to non-function")
                    }
                    piped = try value(of: command[0], dot: dot)
                    continue
                }
                var arguments: [JSON] = []
                for operand in command.dropFirst() { arguments.append(try value(of: operand, dot: dot)) }
                if let piped { arguments.append(piped) }
                piped = try TemplateFunctions.call(name, arguments)
            }
            return piped ?? .null
        }

        private func value(of operand: TemplateOperand, dot: JSON) throws(CommandError) -> JSON {
            switch operand {
            case .literal(let value): return value
            case .field(let names): return try TemplateValue.field(names, of: dot)
            case .variable(let name, let names):
                guard let value = variables.last(where: { $0.name == name })?.value else {
                    throw CommandError("template: undefined variable \(quoted(name))")
                }
                return try TemplateValue.field(names, of: value)
            case .group(let pipeline, let names):
                return try TemplateValue.field(names, of: try evaluate(pipeline, dot: dot))
            case .function(let name): return try TemplateFunctions.call(name, [])
            }
        }
    }
}
