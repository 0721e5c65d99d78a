#if Registry
import Dispatch
import Synchronization

extension RegistryClient {
    /// Runs asynchronous work from a thread that has nothing else to do.
    ///
    /// A detached task and a semaphore, because an asynchronous main that suspends leaves by way of pthread_exit,
    /// which costs a static executable 10 ms.
    static func blocking<T: Sendable>(
        _ work: @escaping @Sendable () async throws(RegistryError) -> T
    ) throws(RegistryError) -> T {
        let outcome = Outcome<T>()
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            let result: Result<T, RegistryError>
            do throws(RegistryError) {
                result = .success(try await work())
            } catch {
                result = .failure(error)
            }
            outcome.value.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let result = outcome.value.withLock({ $0 }) else { fatalError("the task has set it before the signal") }
        return try result.get()
    }

    private final class Outcome<T: Sendable>: Sendable {
        let value = Mutex<Result<T, RegistryError>?>(nil)
    }
}
#endif
