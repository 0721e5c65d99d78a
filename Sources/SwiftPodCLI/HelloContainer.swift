import ContainerEngine
enum HelloContainer {
    static func internalCommand(_ arguments: [String]) -> Int32? { nil }
    static func provide(for request: inout RunRequest, _ session: Session) throws {}
}
