import Foundation

/// Work on a thread of its own: what waits for a lock must not take one of the few that tests share.
final class Background<T>: @unchecked Sendable {
    private let ended = DispatchSemaphore(value: 0)
    private var result: Result<T, any Error>?

    init(_ work: @escaping @Sendable () throws -> T) {
        Thread.detachNewThread { [self] in
            result = Result(catching: work)
            ended.signal()
        }
    }

    /// Waits for the end.
    func value() throws -> T {
        ended.wait()
        return try result!.get()
    }
}
