import CShims
import Glibc
import LinuxKernel
import OCISpec

/// A worker's streams on their way: the descriptors that it gets, and the ends that stay here.
struct OpenStreams {
    /// What the launcher is told: a word, or an index into the descriptors.
    private(set) var json: JSON = .null
    private(set) var descriptors: [Int32] = []
    private(set) var ourEnds: [Int32?] = [nil, nil, nil]
    /// Those of the descriptors that were opened for the worker.
    private var workersEnds: [Int32] = []
    private var pumps: [(from: Int32, to: Int32)] = []

    init(_ streams: WorkerStreams) throws(WorkerError) {
        var words: [JSON] = []
        do throws(SyscallError) {
            for (number, stream) in [streams.input, streams.output, streams.error].enumerated() {
                words.append(try open(stream, Int32(number)))
            }
        } catch {
            closeWorkersEnds()
            closeOurEnds()
            throw WorkerError(.failed, "open worker's streams: \(error)")
        }
        json = .array(words)
        for pump in pumps { copy(pump.from, pump.to) }
    }

    private mutating func open(_ stream: WorkerStream, _ number: Int32) throws(SyscallError) -> JSON {
        switch stream {
        case .null: return "null"
        case .inherit where number > 0 && isatty(number) == 1:
            let (reader, writer) = try OwnedDescriptor.pipe().release()
            pumps.append((reader, number))
            return add(writer, isOurs: true)
        case .inherit where number == 0 && isatty(0) == 1: return "null"
        case .inherit: return add(number, isOurs: false)
        case .descriptor(let descriptor): return add(descriptor, isOurs: false)
        case .file(let path):
            let flags = number == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND
            return add(try OwnedDescriptor.open(path, flags, mode: 0o644).release(), isOurs: true)
        case .pipe:
            let (reader, writer) = try OwnedDescriptor.pipe().release()
            ourEnds[Int(number)] = number == 0 ? writer : reader
            return add(number == 0 ? reader : writer, isOurs: true)
        }
    }

    private mutating func add(_ descriptor: Int32, isOurs: Bool) -> JSON {
        descriptors.append(descriptor)
        if isOurs { workersEnds.append(descriptor) }
        return (descriptors.count - 1).json
    }

    /// The worker has its own copies.
    func closeWorkersEnds() { for descriptor in workersEnds { close(descriptor) } }

    func closeOurEnds() { for end in ourEnds { if let end { close(end) } } }

    /// Copies to a terminal of the program's, in a thread that ends with the worker.
    private func copy(_ from: Int32, _ to: Int32) {
        let ends = UnsafeMutablePointer<(Int32, Int32)>.allocate(capacity: 1)
        ends.initialize(to: (from, to))
        var thread = pthread_t()
        if pthread_create(&thread, nil, pump, ends) == 0 {
            pthread_detach(thread)
        } else {
            ends.deallocate()
            close(from)
        }
    }
}

/// A nonisolated function, as a C callback must be.
private func pump(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let ends = context.bindMemory(to: (Int32, Int32).self, capacity: 1)
    let (from, to) = ends.pointee
    ends.deallocate()
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let got = read(from, &buffer, buffer.count)
        if got < 0, errno == EINTR { continue }
        guard got > 0, (try? writeAll(to, buffer.prefix(got))) != nil else { break }
    }
    close(from)
    return nil
}
