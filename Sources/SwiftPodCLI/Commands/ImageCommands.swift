import OptionGrammar
import ContainerEngine
import Glibc
import ImageStore
import OCISpec

/// What `rmi` has been told.
private struct RemoveImageOptions {
    var all = false
    var force = false
    var ignore = false
}

extension Verb {
    private static let rmiTable: OptionParser<RemoveImageOptions>.Table = [
        [
            .flag("all", "a", "Remove all images") { $0.all = $1 },
            .flag("force", "f", "Remove containers that use the image, and all its names") { $0.force = $1 },
            .flag("ignore", "i", "An image that is not there is no error") { $0.ignore = $1 },
            .accepted("no-prune", nil, .flag),
        ]
    ]

    static let rmi = Verb(
        name: "rmi", summary: "Remove one or more images from local storage", usage: "[options] IMAGE [IMAGE...]",
        examples: ["rmi debian", "rmi --all"], options: { described(rmiTable) }, run: removeImages)

    static let imageRemove = Verb(
        name: "rm", aliases: ["remove"], summary: "Remove one or more images from local storage",
        usage: "[options] IMAGE [IMAGE...]", options: { described(rmiTable) }, run: removeImages)

    @Sendable private static func removeImages(_ invocation: inout Invocation) throws -> Int32 {
        var options = RemoveImageOptions()
        var words = try invocation.parse(rmiTable, into: &options)
        let session = try Session(invocation)
        if options.all {
            guard words.isEmpty else { throw CommandError("when using the --all switch, you may not pass any images") }
            words = try session.store.images().map(\.id.hex)
        } else if words.isEmpty {
            throw CommandError("image name or ID must be specified")
        }
        try session.engine.becomePrivileged()
        var failures = FailureCollector()
        for word in words {
            do {
                for removal in try session.removeImage(word, force: options.force) {
                    switch removal {
                    case .untagged(let name): try Output.line("Untagged: \(name)")
                    case .deleted(let id): try Output.line("Deleted: \(id.hex)")
                    }
                }
            } catch let error as StoreError where error.code == .notFound {
                // As podman: force and ignore both let a missing image pass.
                if !options.ignore, !options.force { failures.add(error, exitCode: 1) }
            } catch let error as StoreError where error.code == .inUse {
                failures.add(error, exitCode: 2)
            } catch let error as OutputClosed {
                throw error
            } catch { failures.add(error) }
        }
        // Once for all of them; what a command killed before left goes as well.
        do { try session.store.collectGarbage() } catch { failures.add(error) }
        return failures.exitCode
    }

    static let tag = Verb(
        name: "tag", summary: "Add an additional name to a local image", usage: "IMAGE TARGET_NAME [TARGET_NAME...]",
        examples: ["tag debian localhost/base:1"]
    ) { invocation in
        let words = try invocation.positionals()
        guard words.count >= 2 else { throw CommandError("requires at least 2 arg(s), only received \(words.count)") }
        let session = try Session(invocation)
        let image = try session.requireImage(words[0])
        // All names are read before one is given.
        let names = try words.dropFirst().map(localReference)
        for name in names { try session.store.tag(image, as: name) }
        return 0
    }

    static let untag = Verb(
        name: "untag", summary: "Remove a name from a local image", usage: "IMAGE [NAME...]",
        examples: ["untag localhost/base:1"]
    ) { invocation in
        let words = try invocation.positionals()
        guard let first = words.first else { throw CommandError("requires at least 1 arg(s), only received 0") }
        let session = try Session(invocation)
        let image = try session.requireImage(first)
        let names =
            try words.count > 1 ? words.dropFirst().map(localReference) : image.names.map { try Reference(parsing: $0) }
        for name in names where try !session.store.untag(name) {
            throw CommandError("\(name): tag not known")
        }
        return 0
    }
}

/// A name for an image of our own: without a registry it is `localhost/NAME`, as podman has it.
func localReference(_ text: String) throws(CommandError) -> Reference {
    do {
        var name = text
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let hasRegistry =
            parts.count == 2 && (parts[0] == "localhost" || parts[0].contains(".") || parts[0].contains(":"))
        if !hasRegistry { name = "localhost/" + text }
        return try Reference(parsing: name)
    } catch { throw CommandError("\(error)") }
}

extension Session {
    func requireImage(_ word: String) throws -> StoredImage {
        guard let image = try store.image(word) else { throw CommandError("\(word): image not known") }
        return image
    }

    /// Containers by the image they use.
    func imageUsers() throws -> [Digest: [Container]] {
        var users: [Digest: [Container]] = [:]
        for container in try engine.containers() {
            if let id = container.imageID { users[id, default: []].append(container) }
        }
        return users
    }

    func removeImage(_ word: String, force: Bool) throws -> [Removal] {
        var users = try imageUsers()
        if force, let image = try store.image(word), let containers = users[image.id] {
            for container in containers { try engine.remove(container, force: true) }
            users[image.id] = nil
        }
        return try store.remove(word, force: force, users: users.mapValues { $0.map(\.id) })
    }
}
