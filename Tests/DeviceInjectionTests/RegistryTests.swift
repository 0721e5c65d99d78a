import DeviceInjection
import OCISpec
import Testing

/// Directories of documents: which count, which stand against each other, which are broken.
@Suite struct RegistryTests {
    let first = FakeMachine.fresh()
    let second = FakeMachine.fresh()

    static func yaml(_ kind: String, _ devices: [String], common: String = "") -> String {
        var text = "---\ncdiVersion: 0.5.0\nkind: \(kind)\ndevices:\n"
        for device in devices {
            let parts = device.split(separator: ":")
            text += "- name: \"\(parts[0])\"\n  containerEdits:\n    env:\n    - D\(parts[0])=\(parts.last!)\n"
        }
        if !common.isEmpty { text += "containerEdits:\n  env: [\"\(common)\"]\n" }
        return text
    }

    func names(_ words: String...) throws -> [CDIName] { try words.map { try CDIName($0) } }

    func failure(_ registry: CDIRegistry, _ word: String) -> String {
        do {
            _ = try registry.resolve(try names(word))
            return "resolved"
        } catch { return "\(error)" }
    }

    @Test("a later directory wins; edits of the document once") func priorities() throws {
        FakeMachine.write(Self.yaml("v.com/c", ["0", "1", "2"], common: "COMMON=1"), to: first + "/a.yaml")
        FakeMachine.write(Self.yaml("v.com/c", ["1:later"]), to: second + "/b.yaml")
        FakeMachine.write("nothing", to: first + "/README.txt")
        let registry = CDIRegistry(directories: [first, second, "/nonexistent"])
        #expect(registry.failures.isEmpty)
        #expect(registry.devices.map(\.description) == ["v.com/c=0", "v.com/c=1", "v.com/c=2"])
        let edits = try registry.resolve(names("v.com/c=0", "v.com/c=2", "v.com/c=0", "v.com/c=1"))
        #expect(edits.env == ["COMMON=1", "D0=0", "D2=2", "D1=later"])
    }

    @Test("a conflict takes the device away, and no other") func conflicts() throws {
        FakeMachine.write(Self.yaml("v.com/c", ["0", "1"]), to: first + "/a.yaml")
        FakeMachine.write(Self.yaml("v.com/c", ["1:x", "2"]), to: first + "/b.yaml")
        let registry = CDIRegistry(directories: [first])
        #expect(registry.devices.map(\.device) == ["0", "2"])
        #expect(
            failure(registry, "v.com/c=1")
                == "unresolvable CDI device v.com/c=1: conflicting definitions in \(first)/a.yaml and \(first)/b.yaml")
        #expect(registry.conflicts.map(\.name.device) == ["1"])
        // The later directory settles it.
        FakeMachine.write(Self.yaml("v.com/c", ["1:settled"]), to: second + "/c.yaml")
        let settled = CDIRegistry(directories: [first, second])
        #expect(try settled.resolve(names("v.com/c=1")).env == ["D1=settled"])
    }

    @Test("a broken file is named, the others work") func broken() throws {
        FakeMachine.write(Self.yaml("v.com/c", ["0"]), to: first + "/good.yaml")
        FakeMachine.write("cdiVersion: 9.9.9\nkind: w.com/c\ndevices: []\n", to: first + "/bad.yaml")
        FakeMachine.write("{", to: first + "/worse.json")
        FakeMachine.run("/bin/mkdir", [first + "/directory.json"])
        let registry = CDIRegistry(directories: [first])
        #expect(
            registry.failures.map(\.path.description).sorted() == [
                first + "/bad.yaml", first + "/directory.json", first + "/worse.json",
            ])
        #expect(try registry.resolve(names("v.com/c=0")).env == ["D0=0"])
        let reason = failure(registry, "w.com/c=0")
        #expect(reason.contains("no specification of vendor w.com"), "\(reason)")
        #expect(reason.contains("\(first)/bad.yaml: cdiVersion is \"9.9.9\""), "\(reason)")
    }

    @Test("what is not there") func missing() throws {
        FakeMachine.write(Self.yaml("v.com/c", ["0", "1"]), to: first + "/a.yaml")
        let registry = CDIRegistry(directories: [first])
        #expect(failure(registry, "v.com/c=7") == "unresolvable CDI device v.com/c=7: no such device, there are 0, 1")
        #expect(
            failure(registry, "v.com/d=7") == "unresolvable CDI device v.com/d=7: vendor v.com has no class d, it has c"
        )
        #expect(failure(registry, "x.com/d=7") == "unresolvable CDI device x.com/d=7: no specification of vendor x.com")
    }
}
