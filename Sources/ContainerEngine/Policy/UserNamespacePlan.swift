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

    public static func == (a: Self, b: Self) -> Bool {
        a.kind == b.kind && a.uid == b.uid && a.gid == b.gid && a.isAutomatic == b.isAutomatic
            && a.defaultUser?.uid == b.defaultUser?.uid && a.defaultUser?.gid == b.defaultUser?.gid
            && a.warnings == b.warnings
    }
}
