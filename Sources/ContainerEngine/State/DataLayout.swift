/// Where an engine's things stand. README.md beside this file says what each of them is.
package struct DataLayout: Sendable, Equatable {
    package let data: String
    package let runtime: String

    package init(data: String, runtime: String) {
        self.data = data
        self.runtime = runtime
    }

    package var containers: String { data + "/containers" }
    package var names: String { data + "/names" }
    package var namesLock: String { data + "/names.lock" }
    package var active: String { data + "/active" }
    package var volumes: String { data + "/volumes" }
    package var cache: String { data + "/cache" }

    package func container(_ id: String) -> String { "\(containers)/\(id)" }
    package func unborn(_ id: String) -> String { "\(containers)/.new-\(id)" }
    package func leaving(_ id: String) -> String { "\(containers)/.gone-\(id)" }
    package func name(_ name: String) -> String { "\(names)/\(name)" }
}
