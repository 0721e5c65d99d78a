import DeviceInjection
import ImageStore
import OCISpec

/// Where an engine keeps its things and whom it tells.
public struct EngineSettings {
    /// Images, containers, volumes: survives a reboot. Absolute.
    public var dataRoot: String
    /// Locks and the keeper's record: gone after a reboot. Absolute.
    public var runtimeRoot: String
    /// Seconds after which the namespace keeper leaves when no container runs and no command has used it; 0 is never.
    public var keeperIdleTimeout: UInt32 = 600
    /// How trees are made; nil asks the kernel.
    public var treeKind: TreeKind?
    /// Where CDI documents are, a later directory's devices before an earlier one's.
    public var cdiDirectories: [String] = CDIRegistry.defaultDirectories
    /// The directory that devices are discovered in, instead of `/`.
    public var deviceRoot: String = ""
    /// Called with one line for whatever had to be left out.
    public var warn: (String) -> Void = { _ in }
    /// Brings an image into the store. nil where images come by `load` and `import` only.
    public var pull: ((String, Platform?, ContainerConfiguration.PullPolicy) throws(EngineError) -> Void)?

    public init(dataRoot: String, runtimeRoot: String) {
        self.dataRoot = dataRoot
        self.runtimeRoot = runtimeRoot
    }
}
