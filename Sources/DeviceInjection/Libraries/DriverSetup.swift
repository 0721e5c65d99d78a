/// What NVIDIA's toolkit does in a container with programs of its own, and we do ourselves: no foreign program is
/// needed, and none is waited for.
public struct DriverSetup: Equatable, Sendable {
    /// Symbolic links to make, by their place; a later one wins.
    public var links: [Link] = []
    /// Directories of the container whose libraries the linker's cache has to know.
    public var folders: [String] = []
    /// /proc/driver/nvidia/params says that no device files may be made.
    public var hidesDeviceModification = false
    /// Libraries of the image for a newer CUDA than the driver's come first, where driver and libraries allow it.
    public var compatibility: Compatibility?

    public init() {}

    public var isEmpty: Bool { self == DriverSetup() }

    public struct Link: Equatable, Hashable, Sendable {
        /// As it is written into the link.
        public var target: String
        /// Absolute, in the container.
        public var path: String

        public init(target: String, path: String) {
            self.target = target
            self.path = path
        }
    }

    public struct Compatibility: Equatable, Sendable {
        /// The driver's version on the host.
        public var driver: String
        /// In the container.
        public var folder: String = DriverSetup.defaultCompatibilityFolder

        public init(driver: String) {
            self.driver = driver
        }
    }

    /// Where NVIDIA's images keep them.
    public static let defaultCompatibilityFolder = "/usr/local/cuda/compat"
}

extension ContainerEdits {
    /// Takes the hooks out that call NVIDIA's own program for what we do ourselves, and returns what they ask for. All
    /// other hooks stay.
    public mutating func takeDriverSetup() -> DriverSetup {
        var setup = DriverSetup()
        hooks.removeAll { setup.take($0) }
        return setup
    }
}

extension DriverSetup {
    /// `nvidia-cdi-hook VERB …` and `nvidia-ctk hook VERB …`, whether or not the program is there.
    mutating func take(_ hook: ContainerEdits.Hook) -> Bool {
        let program = hook.path.split(separator: "/").last.map(String.init) ?? ""
        var words = ArraySlice(hook.args.dropFirst())
        switch program {
        case "nvidia-cdi-hook": break
        case "nvidia-ctk" where words.first == "hook": words = words.dropFirst()
        default: return false
        }
        // Global options of the program: none of them changes what is done.
        while let word = words.first, word.hasPrefix("-") { words = words.dropFirst() }
        guard hook.hookName == .createContainer, let verb = words.first,
            let options = Self.options(words.dropFirst())
        else { return false }
        return take(verb, options)
    }

    private mutating func take(_ verb: String, _ options: [(name: String, value: String)]) -> Bool {
        func values(_ names: String...) -> [String] { options.filter { names.contains($0.name) }.map(\.value) }
        switch verb {
        case "create-symlinks":
            for value in values("link") {
                guard let cut = value.range(of: "::") else { return false }
                links.append(
                    Link(target: String(value[..<cut.lowerBound]), path: String(value[cut.upperBound...])))
            }
        case "update-ldcache":
            for folder in values("folder", "folders") where !folders.contains(folder) { folders.append(folder) }
        case "enable-cuda-compat":
            guard let driver = values("host-driver-version").first else { return false }
            var wanted = Compatibility(driver: driver)
            if let folder = values("cuda-compat-container-root").first { wanted.folder = folder }
            compatibility = wanted
        case "disable-device-node-modification": hidesDeviceModification = true
        // Modes of /dev/dri and the like: a directory that we make for a mount has 0755 anyway.
        case "chmod": break
        // Hints for the driver's OpenGL; without the file it takes its defaults.
        case "update-application-profile": break
        default: return false
        }
        return true
    }

    /// `--name value` and `--name=value`; nil for words of another form.
    private static func options(_ words: ArraySlice<String>) -> [(name: String, value: String)]? {
        var result: [(name: String, value: String)] = []
        var rest = words
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else { return nil }
            let name = word.dropFirst(2)
            if let cut = name.firstIndex(of: "=") {
                result.append((String(name[..<cut]), String(name[name.index(after: cut)...])))
            } else {
                guard let value = rest.popFirst() else { return nil }
                result.append((String(name), value))
            }
        }
        return result
    }

    /// The hook that asks for this, as NVIDIA's toolkit writes it.
    static func hook(_ verb: String, _ options: [String] = []) -> ContainerEdits.Hook {
        ContainerEdits.Hook(
            .createContainer, path: "/usr/bin/nvidia-cdi-hook", args: ["nvidia-cdi-hook", verb] + options)
    }
}

extension String {
    /// Where a text begins in this one.
    fileprivate func range(of text: StaticString) -> Range<String.Index>? {
        let bytes = Array(utf8)
        let key = text.withUTF8Buffer { Array($0) }
        guard bytes.count >= key.count else { return nil }
        for start in 0...(bytes.count - key.count) where bytes[start..<start + key.count].elementsEqual(key) {
            let lower = utf8.index(utf8.startIndex, offsetBy: start)
            return lower..<utf8.index(lower, offsetBy: key.count)
        }
        return nil
    }
}
