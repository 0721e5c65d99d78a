import OCISpec

/// How the rules read a container's root file system: an image's tree, a directory, or a running container's root.
public struct RootView: Sendable {
    /// Contents of a regular file, symbolic links resolved inside the root; nil where there is none. The number is the
    /// most bytes that may come back.
    public var readFile: @Sendable (_ path: String, _ limit: Int) -> [UInt8]?

    public init(readFile: @escaping @Sendable (_ path: String, _ limit: Int) -> [UInt8]?) {
        self.readFile = readFile
    }
}

/// What the image says, as far as a container depends on it.
public struct ImageFacts: Equatable, Sendable {
    /// The configuration's digest.
    public var id: String
    /// The name the user gave or the first that the image has.
    public var name: String
    public var execution: ImageConfig.Execution

    public init(id: String, name: String, execution: ImageConfig.Execution) {
        self.id = id
        self.name = name
        self.execution = execution
    }
}
