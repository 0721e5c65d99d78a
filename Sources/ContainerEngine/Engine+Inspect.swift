import OCISpec

extension Engine {
    /// One element of `podman inspect`'s array.
    public func inspect(_ container: Container) throws(EngineError) -> JSON { .null }

    /// `podman info`.
    public func info() throws(EngineError) -> JSON { .null }
}
