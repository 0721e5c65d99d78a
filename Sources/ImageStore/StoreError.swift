import LinuxKernel
import OCISpec

/// What went wrong in the store, for whoever has to decide what to do next.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// Kinds of failure. More may come: switch with a default.
    public struct Code: Hashable, Sendable {
        package let name: String

        /// No such image, blob or layer.
        public static let notFound = Code(name: "not found")
        /// A short name or id that means several images.
        public static let ambiguous = Code(name: "ambiguous")
        /// A container uses the image, or another process holds what was asked for without waiting.
        public static let inUse = Code(name: "in use")
        /// Bytes that are not what their digest, size or format promises.
        public static let corrupt = Code(name: "corrupt")
        /// The file system is full, or the quota used up.
        public static let full = Code(name: "full")
        /// Larger than a stated limit.
        public static let limit = Code(name: "limit")
        /// What was asked for makes no sense.
        public static let invalid = Code(name: "invalid")
        public static let failed = Code(name: "failed")
    }

    public let code: Code
    /// One line, lower case, no full stop: verb, object, reason.
    public let message: String
    /// What caused it, where that is known.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }

    /// Puts an error of any layer below under the name of what was being done.
    init(_ doing: String, _ error: any Error) {
        switch error {
        case let error as StoreError:
            self.init(error.code, "\(doing): \(error.message)", cause: error.cause ?? error)
        case let error as SyscallError:
            self.init(error.isFull ? .full : .failed, "\(doing): \(error)", cause: error)
        case let error as DocumentError:
            self.init(.corrupt, "\(doing): \(error)", cause: error)
        case let error as TarError:
            self.init(error.isLimit ? .limit : .corrupt, "\(doing): \(error)", cause: error)
        case let error as ReferenceError:
            self.init(.invalid, "\(error)", cause: error)
        default:
            self.init(.failed, "\(doing): \(error)", cause: error)
        }
    }
}

extension SyscallError {
    /// No space is left, or the quota is used up.
    var isFull: Bool { errno == 28 || errno == 122 }
}

/// Runs what may throw any error and lets out a `StoreError` that names what was being done.
func doing<T: ~Copyable>(_ what: @autoclosure () -> String, _ body: () throws -> T) throws(StoreError) -> T {
    do {
        return try body()
    } catch {
        throw StoreError(what(), error)
    }
}

/// Runs what may throw any error and lets out a `StoreError`; one that is already is not renamed.
func storing<T: ~Copyable>(_ what: @autoclosure () -> String, _ body: () throws -> T) throws(StoreError) -> T {
    do {
        return try body()
    } catch let error as StoreError {
        throw error
    } catch {
        throw StoreError(what(), error)
    }
}
