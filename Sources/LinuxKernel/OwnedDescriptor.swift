import Glibc

/// A file descriptor with one owner, closed when the owner lets go of it.
///
/// Every descriptor is born close-on-exec: what a container is meant to have is passed to it by the launch plan.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for as long as this value lives.
    public let raw: Int32

    /// Takes ownership of an open descriptor.
    public init(adopting raw: Int32) {
        self.raw = raw
    }

    deinit {
        // close(2) is not repeated on EINTR: Linux has released the descriptor by then.
        _ = close(raw)
    }

    /// Gives the number away; the caller closes it.
    public consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }
}
