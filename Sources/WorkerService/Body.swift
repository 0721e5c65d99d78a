import Glibc
import OCISpec
import SwiftPod

/// A request's JSON, read strictly: a member that is not known is most likely misspelt.
struct Body {
    let json: JSON
    private let descriptors: [Int32]

    static let env = ["image", "worker_path", "run_options"]
    static let command = ["arguments", "environment", "streams"]

    init(_ call: Call, members: [String]) throws {
        json = call.request.body.isEmpty ? .object([]) : try JSON(parsing: call.request.body)
        descriptors = call.descriptors
        try Body.check(json, members)
    }

    private static func check(_ json: JSON, _ known: [String]) throws {
        guard let members = json.members else { throw DocumentError(reason: "is not an object") }
        for member in members where !known.contains(member.name) {
            throw DocumentError(path: member.name, reason: "is not known here")
        }
    }

    func env() throws -> ContainerRuntimeEnv {
        ContainerRuntimeEnv(
            image: try json.required("image"), workerPath: try json.optional("worker_path"),
            runOptions: try json.list("run_options"))
    }

    func environment() throws -> [String: String] { try json.table("environment") }

    func options() throws -> WorkerOptions {
        var options = WorkerOptions()
        guard let json = json["options"], !json.isNull else { return options }
        try Body.check(json, ["mounts", "devices", "cpus", "memory", "working_directory", "entrypoint"])
        for mount in json["mounts"]?.array ?? [] {
            try Body.check(mount, ["source", "destination", "read_only"])
            options.mounts.append(
                WorkerOptions.Mount(
                    try mount.required("source"), at: try mount.optional("destination"),
                    readOnly: try mount.optional("read_only") ?? false))
        }
        options.devices = try json.list("devices")
        options.cpus = json["cpus"]?.double
        options.memory = try json.optional("memory")
        options.workingDirectory = try json.optional("working_directory")
        if let entrypoint = json["entrypoint"], !entrypoint.isNull { options.entrypoint = try entrypoint.elements() }
        return options
    }

    /// A stream is `null`, a file, or one of the descriptors that came with the request, by its place among them.
    func streams() throws -> WorkerStreams {
        var streams = WorkerStreams(input: .null, output: .null, error: .null)
        guard let json = json["streams"], !json.isNull else { return streams }
        try Body.check(json, ["stdin", "stdout", "stderr"])
        streams.input = try stream(json["stdin"], "stdin")
        streams.output = try stream(json["stdout"], "stdout")
        streams.error = try stream(json["stderr"], "stderr")
        return streams
    }

    private func stream(_ json: JSON?, _ name: String) throws -> WorkerStream {
        guard let json, !json.isNull else { return .null }
        if let path = json["file"]?.string {
            guard path.hasPrefix("/") else {
                throw DocumentError(path: "streams.\(name).file", reason: "is not absolute")
            }
            return .file(path)
        }
        guard let place = json["descriptor"]?.integer else {
            throw DocumentError(path: "streams.\(name)", reason: "is neither null, a file nor a descriptor")
        }
        guard descriptors.indices.contains(Int(clamping: place)) else {
            throw DocumentError(path: "streams.\(name).descriptor", reason: "did not come with the request")
        }
        return .descriptor(descriptors[Int(place)])
    }
}

extension WorkerLauncher.Prepared {
    var json: JSON {
        JSON(members: [
            "image_id": .string(imageID), "worker_path": workerPath.map(JSON.string),
            "ray_version": rayVersion.map(JSON.string), "python_version": pythonVersion.map(JSON.string),
            "user_id": userID?.json,
        ])
    }
}

extension WorkerEvent {
    var json: JSON {
        var json = JSON(members: ["id": processID?.json, "container_id": containerID.map(JSON.string)])
        switch kind {
        case .pulling(let image):
            json.set("event", "pulling")
            json.set("image", .string(image))
        case .pulled(let image):
            json.set("event", "pulled")
            json.set("image", .string(image))
        case .started: json.set("event", "started")
        case .ended(.exited(let code)):
            json.set("event", "ended")
            json.set("exit_code", code.json)
        case .ended(.signaled(let signal)):
            json.set("event", "ended")
            json.set("signal", signal.json)
        case .ended(.outOfMemory):
            json.set("event", "ended")
            json.set("signal", SIGKILL.json)
            json.set("out_of_memory", .bool(true))
        case .warning(let text):
            json.set("event", "warning")
            json.set("message", .string(text))
        case .closed: json.set("event", "closed")
        }
        return json
    }
}
