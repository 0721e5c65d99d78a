import OCISpec

/// What the service says and understands, as an OpenAPI 3.1 document. Tests/Service holds the running service against it.
enum OpenAPI {
    static let document: JSON = [
        "openapi": "3.1.0",
        "info": [
            "title": "swiftpod service",
            "version": "1",
            "description": .string(description),
        ],
        "paths": paths,
        "components": ["schemas": components],
    ]

    private static let description = """
        Workers in containers, over HTTP/1.1 on a local socket of mode 0600 that only its user may speak on. A worker's \
        standard streams may be files of the host, or descriptors that the client sends with the bytes of its request \
        (SCM_RIGHTS of unix(7)), named by their place among them from 0. Workers end with the service.
        """

    private static var paths: JSON {
        var paths = JSON.object([])
        for operation in operations {
            var methods = paths[operation.path] ?? .object([])
            methods.set(operation.method, operation.json)
            paths.set(operation.path, methods)
        }
        return paths
    }

    private static let operations: [Operation] = [
        Operation("get", "/v1/version", "version", "The service's version.", Answer(200, "It.", ref("Version"))),
        Operation("get", "/v1/openapi.json", "openapi", "This document.", Answer(200, "It.", ["type": "object"])),
        Operation(
            "post", "/v1/prepare", "prepare", "Pulls an image, lays it out and finds the worker path.",
            body: object(
                env, ["refresh": boolean("Look again even where the worker path is known.")], required: ["image"]),
            Answer(200, "What is known about the image.", ref("Prepared"))),
        Operation(
            "get", "/v1/workers", "listWorkers", "The workers that run, and ended ones that nobody has forgotten.",
            Answer(200, "They.", object(["workers": array(ref("Worker"))], required: ["workers"]))),
        Operation(
            "post", "/v1/workers", "launch", "Starts a worker; answers when its command has been executed.",
            body: object(env, command, required: ["image"]), Answer(201, "It runs.", ref("Worker"))),
        Operation("get", "/v1/workers/{id}", "worker", "One worker.", Answer(200, "It.", ref("Worker"))),
        Operation(
            "delete", "/v1/workers/{id}", "forget", "Forgets a worker that has ended.", Answer(204, "It is forgotten.")),
        Operation(
            "post", "/v1/workers/{id}/wait", "wait", "Waits for a worker's end.",
            body: object(["timeout_ms": integer()]),
            Answer(200, "It has ended, or runs on after the time.", ref("Worker"))),
        Operation(
            "post", "/v1/workers/{id}/signal", "signal", "Sends a signal. A worker that has ended is past it.",
            body: object(
                ["signal": integer(0, 64), "group": boolean("To the worker's whole process group.")],
                required: ["signal"]),
            Answer(204, "It is sent.")),
        Operation(
            "post", "/v1/workers/{id}/terminate", "terminate",
            "SIGTERM to the process group, and SIGKILL after a time.",
            body: object(["grace_ms": integer(0, nil, "Default 10000.")]),
            Answer(200, "It has ended.", ref("Worker"))),
        Operation(
            "get", "/v1/pools", "listPools", "The pools.",
            Answer(200, "They.", object(["pools": array(ref("Pool"))], required: ["pools"]))),
        Operation(
            "post", "/v1/pools", "openPool", "Makes sandboxes that wait for their command; answers when they do.",
            body: object(env, ["size": integer(1, 1000)], required: ["image", "size"]),
            Answer(201, "It stands.", ref("Pool"))),
        Operation(
            "delete", "/v1/pools/{id}", "closePool", "Ends the sandboxes that wait.", Answer(204, "It is closed.")),
        Operation(
            "post", "/v1/pools/{id}/acquire", "acquire", "Executes a command in a sandbox that waits.",
            body: object(command), Answer(201, "It runs.", ref("Worker"))),
        Operation(
            "get", "/v1/events", "events", "What happens from now on, one document a line.",
            Answer(200, "A stream that ends with the service.", ref("Event"), type: "application/x-ndjson")),
    ]
}
