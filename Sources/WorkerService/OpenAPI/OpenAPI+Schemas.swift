import OCISpec

extension OpenAPI {
    typealias Members = KeyValuePairs<String, JSON>

    // MARK: - What several requests have

    /// Of what a worker is made.
    static let env: Members = [
        "image": string("The image's name, as `swiftpod pull` takes it."),
        "worker_path": string("Ray's default_worker.py inside the image; looked for where it is missing."),
        "run_options": strings("Options of `swiftpod run`; an element may be several words, with a shell's quotes."),
        "options": ref("Options"),
    ]

    /// What it runs.
    static let command: Members = [
        "arguments": strings("What follows the entry point."),
        "environment": ["type": "object", "additionalProperties": string()],
        "streams": ref("Streams"),
    ]

    /// How it ended.
    private static let end: Members = [
        "exit_code": integer(), "signal": integer(),
        "out_of_memory": boolean("An OOM killer's signal. Told of workers with limits."),
    ]

    // MARK: - Documents

    static let components: JSON = [
        "Version": object(["version": string(), "api": word("1")], required: ["version", "api"]),
        "Prepared": object(
            [
                "image_id": string(), "worker_path": string(), "ray_version": string(), "python_version": string(),
                "user_id": integer(),
            ], required: ["image_id"]),
        "Options": object([
            "mounts": array(
                object(
                    ["source": string(), "destination": string(), "read_only": boolean()], required: ["source"])),
            "devices": strings(), "cpus": ["type": "number"], "memory": integer(nil, nil, "Bytes."),
            "working_directory": string(),
            "entrypoint": strings(
                "What is executed; `python` where it is missing. An empty list leaves the image's own."),
        ]),
        "Streams": object(["stdin": ref("Stream"), "stdout": ref("Stream"), "stderr": ref("Stream")]),
        "Stream": [
            "description": "/dev/null, a file (output is appended), or a descriptor sent with the request.",
            "anyOf": [
                ["type": "null"], object(["file": string()], required: ["file"]),
                object(["descriptor": integer(0, 15)], required: ["descriptor"]),
            ],
        ],
        "Worker": object(
            [
                "id": integer(nil, nil, "Its pid."), "container_id": string(), "image": string(),
                "state": word("running", "ended"),
            ], end, required: ["id", "container_id", "image", "state"]),
        "Pool": object(
            ["id": integer(), "image": string(), "size": integer()], required: ["id", "image", "size"]),
        "Event": object(
            [
                "event": word("pulling", "pulled", "started", "ended", "warning", "closed"), "id": integer(),
                "container_id": string(), "image": string(), "message": string(),
            ], end, required: ["event"]),
        "Error": object(
            ["error": object(["code": string(), "message": string()], required: ["code", "message"])],
            required: ["error"]),
    ]

    // MARK: - Shapes

    /// A document of those above.
    static func ref(_ name: String) -> JSON { ["$ref": .string("#/components/schemas/" + name)] }

    /// With these members and no others.
    static func object(_ members: Members..., required: [String] = []) -> JSON {
        var properties = JSON.object([])
        for group in members { for (name, schema) in group { properties.set(name, schema) } }
        return JSON(members: [
            "type": "object", "properties": properties, "additionalProperties": false,
            "required": required.isEmpty ? nil : required.json,
        ])
    }

    static func array(_ items: JSON, _ description: String? = nil) -> JSON {
        JSON(members: ["type": "array", "items": items, "description": description.map(JSON.string)])
    }

    static func string(_ description: String? = nil) -> JSON {
        JSON(members: ["type": "string", "description": description.map(JSON.string)])
    }

    static func strings(_ description: String? = nil) -> JSON { array(string(), description) }

    static func boolean(_ description: String? = nil) -> JSON {
        JSON(members: ["type": "boolean", "description": description.map(JSON.string)])
    }

    static func integer(_ minimum: Int? = nil, _ maximum: Int? = nil, _ description: String? = nil) -> JSON {
        JSON(members: [
            "type": "integer", "minimum": minimum?.json, "maximum": maximum?.json,
            "description": description.map(JSON.string),
        ])
    }

    /// One of these words.
    private static func word(_ words: String...) -> JSON { ["type": "string", "enum": words.json] }
}
