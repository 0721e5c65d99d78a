import ContainerEngine
import OCISpec
import OptionGrammar

/// What a worker is to be, in the words of `run`: the command line's table reads them, so that a `run_options` means the
/// same by whatever door it comes.
package struct WorkerOrder: Equatable, Sendable {
    /// Options as they would stand before the image, one word each.
    package var options: [String]
    package var image: String
    /// What follows the image.
    package var command: [String]
    /// Beside and over what the options set.
    package var environment: [(name: String, value: String)]

    package init(
        options: [String], image: String, command: [String], environment: [(name: String, value: String)] = []
    ) {
        self.options = options
        self.image = image
        self.command = command
        self.environment = environment
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.options == b.options && a.image == b.image && a.command == b.command
            && a.environment.elementsEqual(b.environment, by: ==)
    }

    /// The order understood, and what is said about it.
    /// - Throws: `CommandError`, in the command line's words.
    package func request(caller: Caller = .process) throws -> (RunRequest, warnings: [String]) {
        // It would be read as one more option.
        guard !image.isEmpty, !image.hasPrefix("-") else {
            throw CommandError("invalid image name \(quoted(image))")
        }
        var globals = GlobalOptions()
        var request: RunRequest
        do {
            request = try RunRequest(parsing: (options + [image] + command)[...], globals: &globals, caller: caller)
        } catch is HelpRequested {
            throw CommandError("unknown flag: --help")
        }
        if request.detach { throw CommandError("--detach has no meaning for a worker") }
        if request.cidFile != nil { throw CommandError("--cidfile has no meaning for a worker") }
        request.configuration.environment.variables += environment
        // Nobody would be left to do what these ask for.
        let streams = AttachedStreams(stdin: nil, stdout: nil, stderr: nil)
        if let obstacle = WorkerPolicy.obstacle(to: request.configuration, streams) {
            throw CommandError("a worker cannot be started with these options: \(obstacle)")
        }
        return (request, globals.warnings + request.warnings)
    }
}

extension WorkerOrder: JSONDocument {
    package init(json: JSON) throws(DocumentError) {
        options = try json.list("options")
        image = try json.required("image")
        command = try json.list("command")
        environment = try Self.pairs(json)
    }

    package var json: JSON {
        JSON(members: [
            "options": options.json, "image": .string(image), "command": command.json,
            "environment": Self.json(environment),
        ])
    }

    /// `environment` as it is sent: in order, and a name may come twice.
    package static func json(_ environment: [(name: String, value: String)]) -> JSON {
        .array(environment.map { .array([.string($0.name), .string($0.value)]) })
    }

    package static func pairs(_ json: JSON) throws(DocumentError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for element in json["environment"]?.array ?? [] {
            let pair = try element.elements(of: String.self)
            guard pair.count == 2 else { throw DocumentError(path: "environment", reason: "is not a list of pairs") }
            pairs.append((pair[0], pair[1]))
        }
        return pairs
    }
}
