import DeviceInjection
import Foundation
import OCISpec
import Testing

/// SONAMEs, the linker's cache, what the vendor's hooks do.
@Suite struct LibraryTests {
    static func entry(_ name: String, _ path: String, flags: UInt32 = 0x0303) -> LinkerCache.Entry {
        LinkerCache.Entry(name: name, path: path, flags: flags)
    }

    @Test("this machine's cache is read, and is the same when written and read again") func roundTrip() throws {
        let bytes = try #require(FileManager.default.contents(atPath: "/etc/ld.so.cache")).map { $0 }
        let cache = try #require(LinkerCache(parsing: bytes))
        #expect(cache.entries.contains { $0.name == "libc.so.6" })
        #expect(LinkerCache(parsing: cache.encoded()) == cache)
        // ldconfig's own sorting is ours.
        var sorted = cache
        sorted.add([])
        #expect(sorted == cache)
    }

    @Test("ldconfig reads what we write", .enabled(if: access("/sbin/ldconfig", X_OK) == 0, "needs ldconfig"))
    func readByOthers() throws {
        let path = FakeMachine.fresh() + "/cache"
        var cache = LinkerCache()
        cache.add([
            Self.entry("libcuda.so.1", "/x/libcuda.so.1"), Self.entry("libb.so.10", "/x/b10"),
            Self.entry("libb.so.9", "/x/b9"), Self.entry("libcuda.so.1", "/y/libcuda.so.1"),
        ])
        FakeMachine.write(cache.encoded(), to: path)
        let lines = FakeMachine.output("/sbin/ldconfig", ["-p", "-C", path]).text.split(separator: "\n").dropFirst()
            .filter { $0.hasPrefix("\t") }
        #expect(
            lines.map { $0.split(separator: " ").last.map(String.init) }
                == ["/x/libcuda.so.1", "/y/libcuda.so.1", "/x/b10", "/x/b9"])
    }

    @Test("additions come before the image's of the same name, and once") func additions() throws {
        var cache = LinkerCache()
        cache.add([Self.entry("libcuda.so.1", "/image/libcuda.so.1"), Self.entry("liba.so", "/image/liba.so")])
        cache.add([
            Self.entry("libcuda.so.1", "/compat/libcuda.so.1"), Self.entry("libcuda.so.1", "/driver/libcuda.so.5"),
        ])
        cache.add([Self.entry("libcuda.so.1", "/driver/libcuda.so.5")])
        #expect(
            cache.entries.filter { $0.name == "libcuda.so.1" }.map(\.path)
                == ["/driver/libcuda.so.5", "/compat/libcuda.so.1", "/image/libcuda.so.1"])
        #expect(cache.path(of: "liba.so", flags: 0x0303) == "/image/liba.so")
    }

    static let damaged: [(String, @Sendable ([UInt8]) -> [UInt8])] = [
        ("empty", { _ in [] }), ("no magic", { [0] + $0 }), ("cut", { Array($0.prefix(50)) }),
        ("too many", { Array($0.prefix(20)) + [0xFF, 0, 0xFF, 0] + $0.dropFirst(24) }),
        ("big-endian", { Array($0.prefix(28)) + [3] + $0.dropFirst(29) }),
    ]

    @Test("damaged caches are none") func damage() {
        var cache = LinkerCache()
        cache.add([Self.entry("liba.so", "/a"), Self.entry("libb.so", "/b")])
        for (what, change) in Self.damaged { #expect(LinkerCache(parsing: change(cache.encoded())) == nil, "\(what)") }
        // Offsets that lead nowhere take their entry with them.
        var bytes = cache.encoded()
        bytes[48 + 7] = 0x7F
        #expect(LinkerCache(parsing: bytes)?.entries.count == 1)
    }

    @Test("headers of a library", .enabled(if: FakeMachine.isPossible, "\(FakeMachine.reason)")) func headers() throws {
        let folder = FakeMachine.path + "/usr/lib/" + FakeMachine.triple
        #expect(ELFObject(folder + "/libcuda.so.580.95.05")?.soname == "libcuda.so.1")
        #expect(ELFObject(FakeMachine.path + "/usr/bin/nvidia-smi") == nil)
        let shell = try #require(ELFObject("/bin/sh"))
        #expect(shell.soname == nil && shell.is64Bit)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/libcuda.so.580.95.05"))
        let path = FakeMachine.fresh() + "/cut.so"
        for length in stride(from: 0, to: bytes.count, by: 97) {
            FakeMachine.write(Array(bytes.prefix(length)), to: path)
            let name = ELFObject(path)?.soname
            #expect(name == nil || name == "libcuda.so.1")
        }
    }

    @Test("facts are remembered until the file changes", .enabled(if: FakeMachine.isPossible, "\(FakeMachine.reason)"))
    func facts() throws {
        let folder = FakeMachine.fresh()
        let source = FakeMachine.path + "/usr/lib/" + FakeMachine.triple
        try FileManager.default.copyItem(atPath: source + "/libcuda.so.580.95.05", toPath: folder + "/lib.so")
        var facts = LibraryFacts(file: folder + "/facts")
        #expect(facts.fact(folder + "/lib.so")?.name == "libcuda.so.1")
        #expect(facts.fact(folder + "/none.so") == nil)
        facts.save()
        // Remembered: the memory can be told another name.
        let memory = try String(contentsOfFile: folder + "/facts", encoding: .utf8)
        FakeMachine.write(memory.replacingOccurrences(of: "libcuda.so.1", with: "known"), to: folder + "/facts")
        var again = LibraryFacts(file: folder + "/facts")
        #expect(again.fact(folder + "/lib.so")?.name == "known")
        try FileManager.default.removeItem(atPath: folder + "/lib.so")
        try FileManager.default.copyItem(
            atPath: source + "/libnvidia-ml.so.580.95.05", toPath: folder + "/lib.so")
        #expect(again.fact(folder + "/lib.so")?.name == "libnvidia-ml.so.1")
    }

    // MARK: - Hooks

    static func hook(_ words: String..., path: String = "/usr/bin/nvidia-cdi-hook") -> ContainerEdits.Hook {
        ContainerEdits.Hook(.createContainer, path: path, args: words)
    }

    @Test("the vendor's hooks are taken over, all others left") func hooks() {
        var edits = ContainerEdits()
        let foreign = [
            ContainerEdits.Hook(.createContainer, path: "/usr/bin/other", args: ["other", "create-symlinks"]),
            Self.hook("nvidia-cdi-hook", "new-verb", "--x=1"), Self.hook("nvidia-cdi-hook", "create-symlinks", "word"),
            ContainerEdits.Hook(.poststop, path: "/usr/bin/nvidia-cdi-hook", args: ["nvidia-cdi-hook", "chmod"]),
        ]
        edits.hooks =
            [
                Self.hook(
                    "nvidia-cdi-hook", "create-symlinks", "--link", "libcuda.so.1::/usr/lib/libcuda.so", "--link=a::/b"),
                Self.hook(
                    "nvidia-ctk", "hook", "update-ldcache", "--folder", "/usr/lib", "--folder", "/opt",
                    path: "/usr/local/nvidia/toolkit/nvidia-ctk"),
                Self.hook("nvidia-cdi-hook", "enable-cuda-compat", "--host-driver-version=580.95.05"),
                Self.hook("nvidia-cdi-hook", "disable-device-node-modification"),
                Self.hook("nvidia-cdi-hook", "chmod", "--mode", "755", "--path", "/dev/dri"),
            ] + foreign
        let setup = edits.takeDriverSetup()
        #expect(edits.hooks == foreign)
        #expect(
            setup.links == [.init(target: "libcuda.so.1", path: "/usr/lib/libcuda.so"), .init(target: "a", path: "/b")])
        #expect(setup.folders == ["/usr/lib", "/opt"])
        #expect(setup.hidesDeviceModification)
        #expect(setup.compatibility?.driver == "580.95.05")
    }

    @Test("links under the SONAMEs and lines of the cache") func plan() {
        var edits = ContainerEdits()
        for name in ["libcuda.so.5", "libcore.so.5", "sub/libv.so.5", "nvidia-smi", "libtaken.so.5", "libtaken.so.1"] {
            edits.mounts.append(.init(hostPath: "/h/\(name)", containerPath: "/usr/lib/\(name)"))
        }
        var setup = DriverSetup()
        setup.links = [
            .init(target: "libcuda.so.1", path: "/usr/lib/libcuda.so"),
            .init(target: "../libcuda.so.1", path: "/usr/lib/gbm/x_gbm.so"),
        ]
        let names = [
            "/h/libcuda.so.5": "libcuda.so.1", "/h/libcore.so.5": "libcore.so.5", "/h/sub/libv.so.5": "libv.so.1",
            "/h/libtaken.so.5": "libtaken.so.1", "/h/libtaken.so.1": "libtaken.so.1",
        ]
        let plan = LibraryPlan(edits, setup) { path in names[path].map { .init(name: $0, flags: 0x0303) } }
        #expect(
            plan.links.map { "\($0.path) -> \($0.target)" } == [
                "/usr/lib/libcuda.so.1 -> libcuda.so.5", "/usr/lib/sub/libv.so.1 -> libv.so.5",
                "/usr/lib/libcuda.so -> libcuda.so.1", "/usr/lib/gbm/x_gbm.so -> ../libcuda.so.1",
            ])
        #expect(
            plan.entries.map { "\($0.name) \($0.path)" } == [
                "libcuda.so.1 /usr/lib/libcuda.so.5", "libcore.so.5 /usr/lib/libcore.so.5",
                "libv.so.1 /usr/lib/sub/libv.so.5", "libtaken.so.1 /usr/lib/libtaken.so.5",
                "libtaken.so.1 /usr/lib/libtaken.so.1", "libcuda.so /usr/lib/libcuda.so",
            ])
    }

    // MARK: - Forward compatibility

    static let compatible: [(String, String, Bool)] = [
        // The libraries' version, the driver's, whether they are used: by major version alone.
        ("590.44.01", "580.95.05", true), ("580.95.05", "580.95.05", false), ("570.1.1", "580.95.05", false),
        ("590.44.01", "none", false),
    ]

    @Test(
        "libraries for a newer CUDA", .enabled(if: FakeMachine.isPossible, "\(FakeMachine.reason)"),
        arguments: compatible)
    func compatibility(_ own: String, _ driver: String, _ isUsed: Bool) {
        let folder = ForwardCompatibility.Folder(
            path: "/usr/local/cuda-13/compat",
            names: ["libcuda.so", "libcuda.so.1", "libcuda.so.\(own)", "libnvidia-nvvm.so.4", "README"])
        let library = ELFObject(FakeMachine.path + "/usr/lib/" + FakeMachine.triple + "/libcuda.so.580.95.05")
        let entries = ForwardCompatibility.entries(folder, driver: driver) { _ in library }
        #expect(
            entries.map(\.path)
                == (isUsed
                    ? ["/usr/local/cuda-13/compat/libcuda.so.1", "/usr/local/cuda-13/compat/libnvidia-nvvm.so.4"] : []))
    }

    @Test("libraries that name their drivers", .enabled(if: FakeMachine.isPossible, "\(FakeMachine.reason)"))
    func compatibilityNote() throws {
        let path = FakeMachine.fresh()
        let note = #"{"Format": 1, "CUDA Version": "13.0", "Driver": [535, 580], "Device": []}"#
        FakeMachine.write(
            """
            .section .note.cuda.fwd_compatibility, "a", %note
            .long 19, \(note.utf8.count), 1
            .asciz "NVIDIA Corporation"
            .balign 4
            .ascii "\(note.replacingOccurrences(of: "\"", with: "\\\""))"
            """, to: path + "/note.s")
        let file = path + "/libcuda.so.590.1.1"
        try #require(
            FakeMachine.run("/usr/bin/cc", ["-shared", "-nostdlib", "-o", file, path + "/note.s"]) == 0)
        #expect(ELFObject(file)?.cudaCompatibility.map { String(decoding: $0, as: UTF8.self) } == note)
        func entries(_ driver: String) -> Int {
            let folder = ForwardCompatibility.Folder(path: "/c", names: ["libcuda.so.1", "libcuda.so.590.1.1"])
            return ForwardCompatibility.entries(folder, driver: driver) { ELFObject("\(path)/\($0)") }.count
        }
        #expect(entries("580.1.1") == 1)
        #expect(entries("570.1.1") == 0)
        #expect(entries("590.2.1") == 0)
    }
}
