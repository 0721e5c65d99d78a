import ContainerEngine
import Glibc
import ImageStore
import LinuxKernel
import OCISpec
import OptionGrammar

extension LaunchServer {
    /// Pulls, unpacks for the mapping that the order needs, and finds the worker path, in a child.
    func prepare(_ body: JSON, _ request: Int) throws {
        let order: WorkerOrder = try body.required("order")
        let wish = try ProbeWish(body)
        let workerPath: String? = try body.optional("workerPath")
        try start(.job(request: request)) { report, _ in
            let request = try self.understand(order, report)
            let preparation = Preparation(engine: self.engine, workerPath: workerPath)
            report.succeed(try preparation.run(order, request.configuration, wish).json)
        }
    }
}

/// How much is to be found out about an image.
enum ProbeWish: String {
    /// Nothing: the worker path is known.
    case nothing
    /// What was found before will do.
    case remembered
    /// Look again, starting the image.
    case fresh

    init(_ body: JSON) throws {
        let word: String = try body.optional("probe") ?? "nothing"
        guard let wish = ProbeWish(rawValue: word) else {
            throw WorkerFault(code: "invalid", message: "unknown probe \(word)")
        }
        self = wish
    }
}

/// What `prepare` has brought about.
package struct Prepared: Equatable, Sendable, JSONDocument {
    /// The image's id, a digest.
    package var image: String
    package var probe: ImageProbe?

    package init(image: String, probe: ImageProbe?) {
        self.image = image
        self.probe = probe
    }

    package init(json: JSON) throws(DocumentError) {
        image = try json.required("image")
        probe = try json.optional("probe")
    }

    package var json: JSON { JSON(members: ["image": .string(image), "probe": probe?.json]) }
}

/// Runs in a child of the launcher.
struct Preparation {
    let engine: Engine
    /// To be looked for by a fresh probe.
    let workerPath: String?

    func run(
        _ order: WorkerOrder, _ configuration: ContainerConfiguration, _ wish: ProbeWish
    ) throws -> Prepared {
        _ = try engine.prepareWorker(configuration)
        guard let image = try engine.images.image(order.image) else {
            throw WorkerFault(code: "not found", message: "\(order.image): image not known")
        }
        let id = image.id.description
        if wish == .nothing { return Prepared(image: id, probe: nil) }
        let memory = ProbeMemory(directory: engine.settings.dataRoot + "/cache/workers")
        if wish == .remembered, let known = memory.recall(id) { return Prepared(image: id, probe: known) }
        let probe = try self.probe(order, as: configuration.user)
        var lasting = probe
        // True of this request and of this host's directory, not of the image.
        (lasting.writes, lasting.hasGiven) = (nil, nil)
        memory.keep(lasting, for: id, among: { (try? engine.images.image($0)) ?? nil != nil })
        return Prepared(image: id, probe: probe)
    }

    /// Starts the image's Python as a worker would be started, and hears what it says.
    private func probe(_ order: WorkerOrder, as user: String?) throws -> ImageProbe {
        var asked = order
        // Options for the work itself, devices say, are none of the probe's business; as Ray's own, it has none.
        asked.options = ImageProbe.options(user: user, isRootless: engine.session.isRootless)
        asked.command = ["-c", ImageProbe.script] + (workerPath.map { [$0] } ?? [])
        let (request, _) = try asked.request()
        let pipe = try OwnedDescriptor.pipe()
        let reader = pipe.reader
        let writer = pipe.writer
        let faults = try OwnedDescriptor.pipe()
        let faultReader = faults.reader
        let faultWriter = faults.writer
        let pid = try forkSingleThreaded()
        if pid == 0 {
            let report = ChildReport(writer: faultWriter.raw)
            do {
                var options = WorkerOptions()
                options.diesWithParent = true
                let io = AttachedStreams(stdin: nil, stdout: writer.raw, stderr: writer.raw)
                try engine.becomeWorker(request.configuration, io: io, options: options)
            } catch { report.fail(error) }
            _exit(125)
        }
        _ = consume writer
        _ = consume faultWriter
        let said = try listen(reader.raw, to: pid)
        let lines = try faultReader.readAll(limit: 1 << 16).split(separator: 0x0a)
        for line in lines {
            guard let fault = (try? JSON(parsing: line))?["fault"] else { continue }
            throw ImageProbe.explained(try WorkerFault(json: fault), image: order.image)
        }
        return try ImageProbe(said: said.text, status: said.status, image: order.image)
    }

    /// What a process says, to its end; it is killed when it takes longer than Ray would wait.
    private func listen(_ reader: Int32, to pid: Int32) throws -> (text: String, status: ExitStatus) {
        let pidfd = try ProcessDescriptor.open(pid)
        var bytes: [UInt8] = []
        let deadline = time(nil) + ImageProbe.timeLimit
        var isTooLong = false
        while true {
            var wait = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            let left = deadline - time(nil)
            if left <= 0 || bytes.count > 1 << 20 {
                isTooLong = true
                break
            }
            if poll(&wait, 1, Int32(clamping: left * 1000)) < 0, errno != EINTR { break }
            if wait.revents == 0 { continue }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let got = read(reader, &buffer, buffer.count)
            if got < 0, errno == EINTR { continue }
            if got <= 0 { break }
            bytes += buffer.prefix(got)
        }
        if isTooLong {
            kill(-pid, SIGKILL)
            kill(pid, SIGKILL)
        }
        let status = try ProcessDescriptor.wait(pidfd.raw)
        if isTooLong {
            throw WorkerFault(code: "failed", message: "look for the worker in the image: no answer in time")
        }
        return (String(decoding: bytes, as: UTF8.self), status)
    }
}
