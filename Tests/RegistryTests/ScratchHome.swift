import Foundation
import Registry

/// A directory that stands for the machine: /etc, /run, the home. Removed when the test lets go of it.
final class ScratchHome: Sendable {
    let root: String

    init() throws {
        root = FileManager.default.temporaryDirectory.path + "/swiftpod-registry-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root + "/home", withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    func environment(_ variables: [String: String] = [:], userID: UInt32 = 1000) -> RegistryEnvironment {
        var result = RegistryEnvironment(
            variables: variables.mapValues { $0.replacingOccurrences(of: "$ROOT", with: root) }, userID: userID,
            home: root + "/home")
        result.systemConfiguration = root + "/etc"
        result.systemState = root + "/var"
        result.systemRuntime = root + "/run"
        return result
    }

    @discardableResult
    func write(_ path: String, _ text: String, mode: Int = 0o644) throws -> String {
        let full = root + "/" + path
        try FileManager.default.createDirectory(
            atPath: (full as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: full))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: full)
        return full
    }

    func read(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: root + "/" + path)), as: UTF8.self)
    }

    func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: root + "/" + path)[.posixPermissions] as? Int
    }

    func names(_ path: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: root + "/" + path)) ?? []
    }
}
