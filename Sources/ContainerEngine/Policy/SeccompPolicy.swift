import OCISpec

/// The default system call filter and profiles of the user's own.
public enum SeccompPolicy {
    /// The filter as bytes of `struct sock_filter`, ready for seccomp(2); empty for ``SeccompSelection/none``.
    ///
    /// - Parameter capabilities: the bounding set of the container; the profile allows more with more of them.
    /// - Parameter cacheDirectory: compiled filters are kept there by content; nil compiles anew.
    public static func filter(
        for selection: SeccompSelection, capabilities: [String], cacheDirectory: String?
    ) throws(EngineError) -> [UInt8] {
        throw EngineError(.unsupported, "compile system call filter: not yet")
    }
}
