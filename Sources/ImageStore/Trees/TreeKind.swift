/// How an image's files are made real.
public enum TreeKind: String, Equatable, Sendable {
    /// Empty files that redirect to the objects: overlay with a data-only lower layer, Linux 6.16 or later in a user
    /// namespace.
    case dataOnly = "data-only"
    /// Whole files: hard links, reflinks or copies.
    case copy
}
