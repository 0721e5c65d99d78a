import Glibc

/// Hands chunks of bytes to a consumer: on a thread of its own while the next ones are made, or at once.
///
/// The thread lives as long as the pipe and touches nothing but the consumer.
final class ChunkPipe: ByteSink, @unchecked Sendable {
    private static let chunkSize = 1 << 19
    /// Enough that neither side waits for the other over one large write or one burst of small files.
    private static let chunkCount = 8

    private let consumer: (UnsafeRawBufferPointer) throws -> Void
    private let isThreaded: Bool
    private let memory: UnsafeMutableRawPointer
    private var filling = 0
    private var fill = 0

    // Shared, under the mutex.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var counts = [Int](repeating: 0, count: chunkCount)
    private var produced = 0
    private var consumed = 0
    private var isClosed = false
    private var failure: (any Error)?
    private var thread: pthread_t?

    init(threaded: Bool, consumer: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        self.consumer = consumer
        isThreaded = threaded
        let size = ChunkPipe.chunkSize * (threaded ? ChunkPipe.chunkCount : 1)
        memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(changed)
        mutex.deallocate()
        changed.deallocate()
        memory.deallocate()
    }

    func space() throws -> UnsafeMutableRawBufferPointer {
        if isThreaded, fill == 0 { try waitForSpace() }
        return UnsafeMutableRawBufferPointer(
            start: memory + filling * ChunkPipe.chunkSize + fill, count: ChunkPipe.chunkSize - fill)
    }

    func filled(_ count: Int) throws {
        fill += count
        if fill == ChunkPipe.chunkSize { try flush() }
    }

    /// Hands over what is there, waits until all of it is consumed and ends the thread. Once only, and always.
    func close() throws {
        if failure == nil { try? flush() }
        locked { isClosed = true }
        if let thread { pthread_join(thread, nil) }
        thread = nil
        if let failure { throw failure }
    }

    private func flush() throws {
        guard fill > 0 else { return }
        let count = fill
        fill = 0
        guard isThreaded else {
            do {
                return try consumer(UnsafeRawBufferPointer(start: memory, count: count))
            } catch {
                failure = error
                throw error
            }
        }
        locked {
            counts[filling] = count
            produced += 1
        }
        filling = (filling + 1) % ChunkPipe.chunkCount
        if thread == nil { try start() }
    }

    private func start() throws {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        guard pthread_create(&thread, nil, chunkPipeThread, context.toOpaque()) == 0 else {
            context.release()
            throw StoreError(.failed, "start a thread: out of resources")
        }
        self.thread = thread
    }

    private func waitForSpace() throws {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while produced - consumed == ChunkPipe.chunkCount, failure == nil { pthread_cond_wait(changed, mutex) }
        if let failure { throw failure }
    }

    private func locked(_ change: () -> Void) {
        pthread_mutex_lock(mutex)
        change()
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    /// The thread's work.
    fileprivate func consume() {
        var next = 0
        while true {
            pthread_mutex_lock(mutex)
            while produced == consumed, !isClosed { pthread_cond_wait(changed, mutex) }
            let isDone = produced == consumed
            let count = counts[next]
            pthread_mutex_unlock(mutex)
            if isDone { return }
            do {
                try consumer(UnsafeRawBufferPointer(start: memory + next * ChunkPipe.chunkSize, count: count))
            } catch {
                return locked { failure = error }
            }
            locked { consumed += 1 }
            next = (next + 1) % ChunkPipe.chunkCount
        }
    }
}

/// Not a closure: one made in a main-actor context would trap on another thread.
private func chunkPipeThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    Unmanaged<ChunkPipe>.fromOpaque(context!).takeRetainedValue().consume()
    return nil
}
