import OCISpec

extension Specification {
    /// The process that `exec` starts in a container with this specification.
    ///
    /// - Parameter root: the running container's root, for the user look-up.
    public func process(
        for exec: ExecConfiguration, root: RootView, caller: CallerFacts
    ) throws(EngineError) -> (process: RuntimeSpec.Process, warnings: [String]) {
        throw EngineError(.unsupported, "build exec process: not yet")
    }
}
