/// NVIDIA_VISIBLE_DEVICES, by which images and whoever starts them say which GPUs a container gets.
public enum VisibleDevices: Equatable, Sendable {
    /// `void` and nothing: as if the variable were not there. In a pod whose GPUs came by CDI it says `void`.
    case unsaid
    case none
    case all
    /// Indices, UUIDs, instances of partitioned GPUs.
    case some([String])

    public static let variable = "NVIDIA_VISIBLE_DEVICES"

    public init(_ value: String?) {
        let words = (value ?? "").split(separator: ",").map { word in
            String(word.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }.filter { !$0.isEmpty }
        if words.isEmpty || words.contains("void") {
            self = .unsaid
        } else if words.contains("all") {
            self = .all
        } else {
            self = words.contains("none") ? .none : .some(words)
        }
    }
}
