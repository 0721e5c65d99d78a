import DeviceInjection
import Testing

/// `--gpus`, NVIDIA_VISIBLE_DEVICES, and which devices they come to.
@Suite struct RequestTests {
    static let spellings: [(String, String)] = [
        ("all", "all"), ("none", "none"), ("2", "count(2)"), ("0", "none"), ("-1", "all"), ("count=2", "count(2)"),
        ("device=0", #"devices(["0"])"#), ("device=0,1", #"devices(["0", "1"])"#),
        (#""device=0,1""#, #"devices(["0", "1"])"#), ("device=GPU-1-2", #"devices(["GPU-1-2"])"#),
        (#""device=0:1","capabilities=compute,utility""#, #"devices(["0:1"])"#), ("0,1", #"devices(["0", "1"])"#),
        ("GPU-abc", #"devices(["GPU-abc"])"#), ("device=all", "all"), ("device=none", "none"),
        (#"all,capabilities="compute,utility""#, "all"), ("capabilities=gpu", "count(1)"),
        ("driver=nvidia,count=all", "all"), ("all,numa=near", "all"),
        ("", "invalid GPU request \"\": an empty field"), ("device=", "device= has no value"),
        ("count=x", "count is a number or all"), ("2,device=0", "both a count and devices"),
        ("capabilities=fly", "unknown capability fly"), ("driver=matrox", "none of nvidia, amd and intel"),
        ("speed=2", "unknown key speed"), (#""device=0"#, "a quote is not closed"),
        ("all,numa=far", "numa is near or any"),
    ]

    @Test("spellings", arguments: spellings) func spelling(_ text: String, _ result: String) {
        do {
            #expect("\(try GPURequest(text).choice)" == result)
        } catch { #expect("\(error)".contains(result), "\(error)") }
    }

    @Test("vendor and nearness") func extras() throws {
        let request = try GPURequest("all,driver=amd,numa=near")
        #expect(request.vendor == .amd && request.isNear)
    }

    static let visible: [(String?, VisibleDevices)] = [
        (nil, .unsaid), ("", .unsaid), ("void", .unsaid), ("0,void", .unsaid), ("none", .none), ("all", .all),
        ("0, 1 ,", .some(["0", "1"])), ("GPU-1", .some(["GPU-1"])), ("MIG-1/2/3", .some(["MIG-1/2/3"])),
    ]

    @Test("NVIDIA_VISIBLE_DEVICES", arguments: visible) func variable(_ text: String?, _ meaning: VisibleDevices) {
        #expect(VisibleDevices(text) == meaning)
    }

    static func registry(_ documents: (String, [String])...) throws -> CDIRegistry {
        var registry = CDIRegistry()
        for (kind, names) in documents {
            var edits = ContainerEdits()
            edits.env = ["A=b"]
            let devices = names.map { CDISpecification.Device(name: $0, edits: edits) }
            registry.add(CDISpecification(kind: try CDIKind(kind), devices: devices), path: kind, priority: 0)
        }
        return registry
    }

    static let chosen: [(String, String)] = [
        ("all", "nvidia.com/gpu=all amd.com/gpu=0 amd.com/gpu=1"), ("none", ""), ("1", "nvidia.com/gpu=0"),
        ("4", "nvidia.com/gpu=0 nvidia.com/gpu=10 amd.com/gpu=0 amd.com/gpu=1"),
        ("5", "5 GPUs are asked for, there are 4"), ("device=10", "nvidia.com/gpu=10"),
        ("device=GPU-12", "nvidia.com/gpu=GPU-1234"),
        ("device=0:1,GPU-1234", "nvidia.com/gpu=0:1 nvidia.com/gpu=GPU-1234"),
        ("device=7", "GPU 7: no such GPU; there are 0, 10, 0:1, GPU-1234, GPU-9, all"),
        (
            "device=MIG-77",
            "GPU MIG-77: the UUID of a part of a GPU is known to NVIDIA's library alone, name it as GPU:PART, --gpus "
                + "device=0:1; there are 0, 10,"
        ),
        ("driver=amd,count=2", "amd.com/gpu=0 amd.com/gpu=1"), ("driver=intel,count=1", "no intel GPU was found"),
    ]

    @Test("which devices", arguments: chosen) func choosing(_ text: String, _ result: String) throws {
        let registry = try Self.registry(
            ("nvidia.com/gpu", ["0", "10", "0:1", "GPU-1234", "GPU-9", "all"]), ("amd.com/gpu", ["0", "1"]))
        do {
            #expect(try registry.gpus(try GPURequest(text)).map(\.description).joined(separator: " ") == result)
        } catch { #expect("\(error)".hasPrefix(result), "\(error)") }
    }

    @Test("parts by UUIDs: as many as there are") func parts() throws {
        let registry = try Self.registry(
            ("nvidia.com/gpu", ["0", "1", "1:0", "1:1", "GPU-12", "all"]), ("amd.com/gpu", ["0:0"]))
        func found(_ words: String...) -> String? {
            registry.parts(meantBy: words)?.map(\.device).joined(separator: " ")
        }
        #expect(found("MIG-a", "MIG-b") == "1:0 1:1")
        #expect(found("MIG-a") == nil && found("MIG-a", "MIG-a") == nil && found("MIG-a", "MIG-b", "MIG-c") == nil)
        #expect(found("MIG-a", "1:0") == nil)
        let named = try Self.registry(("nvidia.com/gpu", ["0", "0:0", "MIG-a"]))
        #expect(named.parts(meantBy: ["MIG-a"]) == nil, "a document's own name stands")
    }

    @Test("a machine without GPUs") func nothing() throws {
        let registry = CDIRegistry()
        #expect(throws: CDIError(.notFound, "no GPU was found on this machine")) {
            try registry.gpus(GPURequest(.all))
        }
        #expect(try registry.gpus(GPURequest(.none)) == [])
    }
}
