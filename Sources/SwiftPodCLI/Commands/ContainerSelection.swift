import OptionGrammar
import ContainerEngine

/// The options of the verbs that act on containers: which ones, and how.
struct ContainerOptions {
    var all = false
    var latest = false
    /// A container that is not there is no error.
    var ignore = false
    var cidFiles: [String] = []
    var filters: [String] = []
    var force = false
    var time: UInt32?
    var volumes = false
    var signal = "KILL"
    var attach = false
    var interactive = false
    var signalProxy = true
    var detachKeys = defaultDetachKeys
    var conditions: [WaitCondition] = []
    var follow = false
    var names = false
    var timestamps = false
    var tail: Int?
    var since: String?
    var until: String?
}

extension OptionRow<ContainerOptions> {
    static let all = OptionRow.flag("all", "a", "All containers") { $0.all = $1 }
    static let allLong = OptionRow.flag("all", nil, "All containers") { $0.all = $1 }
    static let latest = OptionRow.flag("latest", "l", "The container created last") { $0.latest = $1 }
    static let ignore = OptionRow.flag("ignore", "i", "A container that is not there is no error") { $0.ignore = $1 }
    static let cidFile = OptionRow.value("cidfile", nil, "FILE", "Read the container's id from FILE") {
        (target, text) throws(CommandError) in
        target.cidFiles.append(text)
    }
    static let filter = OptionRow.value("filter", "f", "KEY=VALUE", "Only containers for which this holds") {
        (target, text) throws(CommandError) in
        target.filters.append(text)
    }
    static let filterLong = OptionRow.value("filter", nil, "KEY=VALUE", "Only containers for which this holds") {
        (target, text) throws(CommandError) in
        target.filters.append(text)
    }
    static let time = OptionRow.value("time", "t", "SECONDS", "How long to wait before the container is killed") {
        (target, text) throws(CommandError) in
        target.time = text == "-1" ? .max : try parseInteger(text)
    }
    static let timeout = OptionRow.value("timeout", nil, "SECONDS", "") { (target, text) throws(CommandError) in
        target.time = text == "-1" ? .max : try parseInteger(text)
    }
}

extension ContainerOptions {
    /// The containers that the words and options mean, each with the word it was called by.
    func select(
        _ words: [String], _ engine: Engine, caller: Caller, _ failures: inout FailureCollector
    ) throws -> [(word: String, container: Container)] {
        if all || latest || !filters.isEmpty {
            guard words.isEmpty, cidFiles.isEmpty else {
                let option = all ? "--all" : latest ? "--latest" : "--filter"
                throw CommandError("no arguments are needed with \(option)")
            }
            var containers = try engine.containers()
            if !filters.isEmpty {
                let filter = try ContainerFilter(filters, engine: engine)
                containers = containers.filter(filter.matches)
            }
            if latest {
                guard let last = containers.max(by: { $0.createdAt < $1.createdAt }) else {
                    throw CommandError("no containers to act on: no such container")
                }
                return [(last.id, last)]
            }
            return containers.map { ($0.id, $0) }
        }
        var named = words
        for path in cidFiles {
            do throws(CommandError) {
                let text = String(decoding: try caller.readFile(caller.absolute(path)), as: UTF8.self)
                named.append(text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? "")
            } catch { if !ignore { failures.add(error) } }
        }
        if named.isEmpty, cidFiles.isEmpty { throw CommandError("you must provide at least one name or id") }
        var selected: [(word: String, container: Container)] = []
        for word in named {
            do throws(EngineError) {
                selected.append((word, try engine.container(word)))
            } catch {
                if ignore, error.code == .notFound { continue }
                failures.add(error)
            }
        }
        return selected
    }
}

/// Errors of a command that goes on with the next name after one: each is said, the last decides the exit status.
struct FailureCollector {
    private(set) var exitCode: Int32 = 0
    /// What a name that is not there gives.
    var notFoundCode: Int32 = 125

    init(notFoundCode: Int32 = 125) {
        self.notFoundCode = notFoundCode
    }

    mutating func add(_ error: any Error, exitCode code: Int32? = nil) {
        let failure = failure(error)
        complain(failure.message)
        if let code {
            exitCode = code
        } else if let error = error as? EngineError, error.code == .notFound {
            exitCode = notFoundCode
        } else {
            exitCode = failure.exitCode
        }
    }
}
