import Dispatch
import Synchronization

/// Runs asynchronous work from a thread that has nothing else to do.
///
/// A detached task and a semaphore, because an asynchronous main that suspends leaves by way of pthread_exit, which costs
/// a static executable 10 ms.
package func blocking<T: Sendable>(_ work: @escaping @Sendable () async -> T) -> T {
    let outcome = Outcome<T>()
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        let result = await work()
        outcome.value.withLock { $0 = result }
        done.signal()
    }
    done.wait()
    guard let result = outcome.value.withLock({ $0 }) else { fatalError("the task has set it before the signal") }
    return result
}

private final class Outcome<T: Sendable>: Sendable {
    let value = Mutex<T?>(nil)
}
