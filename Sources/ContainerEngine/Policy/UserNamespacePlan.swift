import OCISpec

/// What `--userns` comes to: a namespace with these maps, one that exists, or none at all.
public struct UserNamespacePlan: Equatable, Sendable {
    public var kind: Kind
    /// Container id to keeper id (root: host id). Empty where no namespace is made.
    public var uid: [RuntimeSpec.IDMapping] = []
    public var gid: [RuntimeSpec.IDMapping] = []
    /// The user a container runs as that says none itself: keep-id's caller.
    public var defaultUser: (uid: UInt32, gid: UInt32)?
    /// The ids were drawn by `auto`, and are to be remembered as in use.
    public var isAutomatic: Bool = false
    public var warnings: [String] = []

    public init(_ kind: Kind, uid: [RuntimeSpec.IDMapping] = [], gid: [RuntimeSpec.IDMapping] = []) {
        self.kind = kind
        self.uid = uid
        self.gid = gid
    }

    public enum Kind: Equatable, Sendable {
        /// The namespace the engine is in: root with `--userns=host` and root's default.
        case host
        case new
        case container(String)
        case path(String)
    }

    /// The id outside for one of the container's; nil where it is not mapped.
    public static func outside(_ id: UInt32, _ map: [RuntimeSpec.IDMapping]) -> UInt32? {
        if map.isEmpty { return id }
        for line in map where id >= line.containerID && id - line.containerID < line.size {
            return line.hostID + (id - line.containerID)
        }
        return nil
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.kind == b.kind && a.uid == b.uid && a.gid == b.gid && a.isAutomatic == b.isAutomatic
            && a.defaultUser?.uid == b.defaultUser?.uid && a.defaultUser?.gid == b.defaultUser?.gid
            && a.warnings == b.warnings
    }
}
