import Glibc
import LinuxKernel
import OCISpec
import Workers

extension WorkerLauncher {
    /// Pulls and lays out every image of a Serve configuration ahead of time, and remembers its worker path.
    ///
    /// What goes wrong with one image is in its row; the others are prepared all the same.
    public func prepare(_ configuration: ServeConfiguration) async -> ServeReport {
        var report = ServeReport(rows: configuration.rows)
        for index in report.rows.indices { await prepare(&report.rows[index], refresh: false) }
        return report
    }

    /// The same, and starts each image once to compare it with what Ray demands of it: Ray's and Python's versions
    /// exactly the host's, `python` in PATH, a user who can write Ray's directory, a worker path that is there, run
    /// options that can be.
    /// - Parameter python: the host's Python that Ray runs in.
    public func check(_ configuration: ServeConfiguration, python: String = "python3") async -> ServeReport {
        var report = ServeReport(rows: configuration.rows)
        do {
            let host = try HostPython(running: python)
            report.host = host
            if host.ray == nil {
                report.faults.append(
                    .init(
                        "the host's \(python) (\(host.python)) has no Ray",
                        mend: "name the Python that Ray runs in: --python /path/to/venv/bin/python"))
            }
        } catch {
            report.faults.append(.init("\(error)", mend: "name the Python that Ray runs in: --python PATH"))
        }
        for index in report.rows.indices {
            await prepare(&report.rows[index], refresh: true)
            report.rows[index].compare(with: report.host)
        }
        return report
    }

    private func prepare(_ row: inout ServeReport.Row, refresh: Bool) async {
        do throws(WorkerError) {
            row.prepared = try await prepare(row.env, refresh: refresh)
            if row.prepared?.workerPath == nil {
                row.faults.append(
                    .init("the image has no Ray", mend: "install Ray in it, in the Python that `python` is in its PATH")
                )
            }
        } catch {
            row.faults.append(ServeReport.Fault(error, image: row.env.image))
        }
    }
}

extension ServeConfiguration {
    /// Equal containers once, in the order of the file.
    fileprivate var rows: [ServeReport.Row] {
        var rows: [ServeReport.Row] = []
        for use in uses {
            if let index = rows.firstIndex(where: { $0.env == use.env }) {
                rows[index].places.append(use.place)
            } else {
                rows.append(ServeReport.Row(env: use.env, places: [use.place]))
            }
        }
        return rows
    }
}

extension ServeReport.Row {
    /// Ray's guide: the versions of Ray and Python in the image must be the host's exactly.
    mutating func compare(with host: HostPython?) {
        guard let prepared else { return }
        if let ray = prepared.rayVersion, let wanted = host?.ray, ray != wanted {
            faults.append(.init("Ray is \(ray), the host's is \(wanted)", mend: "install ray==\(wanted) in the image"))
        }
        if let python = prepared.pythonVersion, let wanted = host?.python, python != wanted {
            faults.append(
                .init(
                    "Python is \(python), the host's is \(wanted)",
                    mend: "build the image on Python \(wanted), or run Ray on the host in Python \(python)"))
        }
        if let user = prepared.userID, user != geteuid() {
            faults.append(
                .init(
                    "the worker's user id \(user) is not the host's \(geteuid()): it cannot use Ray's directory",
                    mend: "remove USER from the image, or add --user=\(geteuid()) to run_options"))
        } else if prepared.writesRayDirectory == false {
            faults.append(
                .init(
                    "the worker cannot write \(ImageProbe.rayDirectory), which is another user's",
                    mend: "remove it, or start Ray with a directory of its own (--temp-dir)"))
        }
        if prepared.hasWorkerPath == false, let path = env.workerPath {
            let mend =
                prepared.foundWorkerPath.map { "leave worker_path out, or write \($0)" } ?? "leave worker_path out"
            faults.append(.init("worker_path \(path) is not in the image", mend: mend))
        }
    }
}

extension ServeReport.Fault {
    /// A failed preparation, with what most likely mends it.
    init(_ error: WorkerError, image: String) {
        let mend: String
        var what = error.message
        switch error.code {
        // A device, a directory to be mounted: the image's own absence names it.
        case .notFound where !what.contains(image):
            mend = "correct run_options, or give the host what they name"
        case .notFound:
            mend = "check the name; bring the image with `swiftpod pull \(image)`, or `swiftpod load` from an archive"
        case .commandNotFound, .cannotInvoke:
            what = "the image has no python in PATH"
            mend = "put the directory of the image's python into its PATH: ENV PATH=/path/to/bin:$PATH"
        case .invalid: mend = "correct run_options"
        case .unsupported: mend = "leave that option out"
        case .permission: mend = "run as the user that Ray runs as"
        default: mend = "try `swiftpod run --rm --entrypoint python \(image) -c 'import ray'` and read what it says"
        }
        self.init(what, mend: mend)
    }
}

extension HostPython {
    /// Asks a Python of the host what it is. The one program of the host that is started for this: nobody else can tell.
    init(running python: String) throws(WorkerError) {
        guard let helper = python.contains("/") ? HelperProgram(path: python) : HelperProgram(named: python) else {
            throw WorkerError(.commandNotFound, "the host has no \(python) in PATH")
        }
        do {
            let output = try OwnedDescriptor.pipe()
            let reader = output.reader
            let writer = output.writer
            let pid = try helper.start(["-c", ImageProbe.script], descriptors: [(writer.raw, 1)])
            _ = consume writer
            let text = String(decoding: try reader.readAll(limit: 1 << 20), as: UTF8.self)
            let pidfd = try ProcessDescriptor.open(pid)
            let status = try ProcessDescriptor.wait(pidfd.raw)
            let probe = try ImageProbe(said: text, status: status, image: python)
            self.init(python: probe.python, ray: probe.ray)
        } catch {
            throw WorkerError(.failed, "ask the host's \(python) for its version: \(WorkerFault(error).message)")
        }
    }
}
