import Glibc
import ImageStore
import LinuxKernel

/// The container by which Ray asks an image where its worker is, before the first worker of every runtime environment. It
/// imports Ray, which takes most of a CPU second, and comes to the same for the same image: once an image has answered, it is
/// not asked again.
struct RayProbe {
    private let image: StoredImage
    private let images: ImageStore
    /// The host's directory that the answer is expected in.
    private let directory: String
    private let memory: String

    /// Ray's words, 2.49 and later. Older releases read the answer from the container's stdout.
    private static let command = [
        "python", "-c",
        """

        import ray._private.workers.default_worker as dw
        with open('/shared/worker_path.txt', 'w') as f:
            f.write(dw.__file__)

        """,
    ]
    private static let answer = "worker_path.txt"

    /// nil where the request is anything else, or the image is not here.
    /// - Parameter images: asked for by nobody but Ray.
    init?(_ request: ContainerConfiguration, images: @autoclosure () -> ImageStore, layout: DataLayout) {
        guard request.command == RayProbe.command, request.mounts.count == 1,
            case .bind(let source) = request.mounts[0].kind, request.mounts[0].destination == "/shared",
            case .image(let name, .missing, nil) = request.source
        else { return nil }
        let images = images()
        guard let image = (try? images.imageToStart(name)) ?? nil else { return nil }
        // Whatever else is asked for may change what Python finds; a network does not.
        var plain = ContainerConfiguration(source: request.source)
        plain.command = request.command
        plain.mounts = request.mounts
        plain.removeOnExit = true
        plain.network = request.network
        guard plain == request else { return nil }
        self.image = image
        self.images = images
        directory = source
        memory = layout.cache + "/ray-probes"
    }

    private var file: String { "\(memory)/\(image.id.hex)" }

    /// Writes what the container would write.
    /// - Returns: false where the image has to be asked.
    func isAnswered() -> Bool {
        guard let path = try? File.read(file, limit: 4096), let place = try? open() else { return false }
        return (try? File.writeAtomically(path, to: RayProbe.answer, in: place.raw, mode: 0o644)) != nil
    }

    /// Keeps what the container has written, as far as that is possible, and forgets images that are gone.
    func keepAnswer() {
        // Not through a link of the container's making.
        guard let place = try? open(),
            let answer = try? place.open(RayProbe.answer, O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
            let path = try? answer.readAll(limit: 4096), path.first == UInt8(ascii: "/"),
            path.suffix(3).elementsEqual(".py".utf8)
        else { return }
        try? Directory.create(memory, mode: 0o700)
        try? File.writeAtomically(path, to: file, mode: 0o600)
        for entry in (try? Directory.entries(at: memory)) ?? [] where entry.name != image.id.hex {
            if (try? images.image(entry.name)) ?? nil == nil { unlink("\(memory)/\(entry.name)") }
        }
    }

    private func open() throws(SyscallError) -> OwnedDescriptor {
        try OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
}
