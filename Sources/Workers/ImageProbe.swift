import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec

/// What an image has to say about itself as a home of Ray's workers.
package struct ImageProbe: Equatable, Sendable {
    /// `default_worker.py` inside the image; nil where there is no Ray.
    package var workerPath: String?
    /// `2.60.0`; nil where it cannot be told.
    package var ray: String?
    /// `3.11.2`.
    package var python: String
    /// The user id that the image's own USER, or else the caller's mapping, gives a worker.
    package var uid: UInt32
    /// Whether a worker can write Ray's directory; nil where that was not there to be tried.
    package var writes: Bool?
    /// Whether the worker path that was asked about is there; nil where none was.
    package var hasGiven: Bool?
}

extension ImageProbe: JSONDocument {
    package init(json: JSON) throws(DocumentError) {
        workerPath = try json.optional("workerPath")
        ray = try json.optional("ray")
        python = try json.required("python")
        uid = try json.required("uid")
        writes = try json.optional("writes")
        hasGiven = try json.optional("hasGiven")
    }

    package var json: JSON {
        JSON(members: [
            "workerPath": workerPath.map(JSON.string), "ray": ray.map(JSON.string), "python": .string(python),
            "uid": uid.json, "writes": writes.map(JSON.bool), "hasGiven": hasGiven.map(JSON.bool),
        ])
    }
}

extension ImageProbe {
    /// Seconds; Ray waits as long for its own probe.
    static let timeLimit = 600

    /// A worker's namespaces, its user, and Ray's directory where there is one.
    static func options(user: String?, isRootless: Bool) -> [String] {
        var words = WorkerWords.isolation(isRootless: isRootless) + ["--entrypoint", "python"]
        if let user { words.append("--user=\(user)") }
        if access(rayDirectory, F_OK) == 0 { words += ["-v", "\(rayDirectory):\(rayDirectory)"] }
        return words
    }

    /// Where a raylet has its sockets and logs, unless it was told otherwise.
    package static let rayDirectory = "/tmp/ray"

    /// Marks the one line that counts among whatever else an image's Python prints.
    static let mark = "swiftpod-probe:"

    /// Finds Ray without importing it, which would take most of a second: the file is where the package is.
    package static let script = """
        import sys, os, json
        r = {"python": "%d.%d.%d" % sys.version_info[:3], "uid": os.getuid()}
        try:
            import importlib.util
            s = importlib.util.find_spec("ray")
        except Exception:
            s = None
        if s is not None and s.submodule_search_locations:
            d = os.path.abspath(list(s.submodule_search_locations)[0])
            for p in ("_private/workers", "workers"):
                f = os.path.join(d, p, "default_worker.py")
                if os.path.exists(f):
                    r["workerPath"] = f
                    break
            v = {}
            try:
                from importlib.metadata import version
                r["ray"] = version("ray")
            except Exception:
                try:
                    exec(open(os.path.join(d, "_version.py")).read(), v)
                    r["ray"] = v["version"]
                except Exception:
                    pass
        d = "/tmp/ray"
        if os.path.isdir(d):
            r["writes"] = os.access(d, os.W_OK)
        if len(sys.argv) > 1:
            r["hasGiven"] = os.path.exists(sys.argv[1])
        print("\\n\(mark)" + json.dumps(r))
        """

    /// Reads what the script printed.
    package init(said text: String, status: ExitStatus, image: String) throws {
        // By bytes: to a Character view CR LF is one letter.
        for line in text.utf8.split(separator: 0x0a).reversed() {
            let line = Substring(line)
            guard line.hasPrefix(ImageProbe.mark) else { continue }
            try self.init(parsing: line.utf8.dropFirst(ImageProbe.mark.utf8.count))
            return
        }
        if status.code == 127 || status.code == 126 {
            throw ImageProbe.explained(WorkerFault(code: "command not found", message: ""), image: image)
        }
        let last = text.utf8.split(separator: 0x0a).last.map { Substring($0) } ?? "it said nothing"
        throw WorkerFault(
            code: "failed", message: "look for the worker in \(image): python ended with status \(status.code): \(last)"
        )
    }

    /// The two mistakes that images have most often, with what mends them.
    package static func explained(_ fault: WorkerFault, image: String) -> WorkerFault {
        guard fault.code == "command not found" || fault.code == "cannot invoke" else { return fault }
        return WorkerFault(
            code: fault.code,
            message:
                "\(image): no python in PATH: put the directory of its python first in the image's PATH (ENV PATH=…)")
    }
}
