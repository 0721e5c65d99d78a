import CShims
import Cgroups
import Glibc
import LinuxKernel
import Testing

/// A message bus with a manager behind it that starts units, and remembers what it was told.
final class FakeBus: @unchecked Sendable {
    let path = "/tmp/swiftpod-bus-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    private let listener: Int32
    private var thread = pthread_t()
    /// Read after ``join()``.
    private(set) var authentication = ""
    private(set) var calls: [BusMessage] = []
    private let result: String

    init(result: String = "done") {
        self.result = result
        listener = swiftpod_listen(path)
        pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<FakeBus>.fromOpaque(argument!).takeUnretainedValue().serve()
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    func join() {
        pthread_join(thread, nil)
        close(listener)
        unlink(path)
    }

    private func serve() {
        let socket = accept(listener, nil, nil)
        defer { close(socket) }
        var bytes: [UInt8] = []
        func fill() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let got = read(socket, &buffer, buffer.count)
            if got > 0 { bytes += buffer.prefix(got) }
            return got > 0
        }
        func say(_ reply: [UInt8]) { _ = try? writeAll(socket, reply) }
        while !bytes.contains(0x0a) { if !fill() { return } }
        authentication = String(decoding: bytes.prefix { $0 != 0x0d }, as: UTF8.self)
        bytes = []
        say(Array("OK 0123\r\n".utf8))
        while !bytes.starts(with: "BEGIN\r\n".utf8) { if !fill() { return } }
        bytes.removeFirst(7)
        while true {
            guard let length = BusMessage.length(bytes), bytes.count >= length, let call = BusMessage(bytes) else {
                if !fill() { return }
                continue
            }
            bytes.removeFirst(length)
            calls.append(call)
            var reply = BusMessage(.reply)
            reply.replySerial = call.serial
            if call.member == "StartTransientUnit" {
                // The signal of somebody else's job, and ours before the answer: both orders happen.
                say(removed("/job/1", "other.scope", "failed").encoded())
                say(removed("/job/7", call.body[0].text ?? "", result).encoded())
                reply.body = [.objectPath("/job/7")]
            }
            say(reply.encoded())
        }
    }

    private func removed(_ job: String, _ unit: String, _ result: String) -> BusMessage {
        var signal = BusMessage(.signal)
        signal.path = "/org/freedesktop/systemd1"
        signal.interface = "org.freedesktop.systemd1.Manager"
        signal.member = "JobRemoved"
        signal.body = [.uint32(7), .objectPath(job), .string(unit), .string(result)]
        return signal
    }
}

@Suite struct SystemdTests {
    private let scope = SystemdScope(
        unit: "swiftpod-x.scope", slice: nil, description: "d",
        settings: [CgroupSetting("memory.max", "33554432"), CgroupSetting("cpu.max", "50000 100000")])

    @Test func startsAScope() throws {
        let bus = FakeBus()
        try scope.start(pid: 4711, bus: bus.path, uid: 1000)
        bus.join()
        // 1000 in hexadecimal digits of its characters.
        #expect(bus.authentication == "\0AUTH EXTERNAL 31303030")
        #expect(bus.calls.map(\.member) == ["Hello", "AddMatch", "Subscribe", "StartTransientUnit"])
        let call = try #require(bus.calls.last)
        #expect(call.destination == "org.freedesktop.systemd1" && call.path == "/org/freedesktop/systemd1")
        #expect(call.body.map(\.signature) == ["s", "s", "a(sv)", "a(sa(sv))"])
        #expect(call.body[0] == .string("swiftpod-x.scope"))
        guard case .array(_, let properties) = call.body[2] else { throw CgroupError(.failed, "no properties") }
        for (name, value) in [
            ("PIDs", BusValue.array("u", [.uint32(4711)])), ("Delegate", .bool(true)),
            ("Slice", .string("user.slice")), ("MemoryMax", .uint64(33_554_432)),
            ("CPUQuotaPerSecUSec", .uint64(500_000)), ("CPUQuotaPeriodUSec", .uint64(100_000)),
        ] {
            #expect(properties.contains(.structure([.string(name), .variant(value)])), "\(name)")
        }
    }

    @Test func aJobThatFailsIsAnError() {
        let bus = FakeBus(result: "failed")
        #expect(throws: CgroupError(.failed, "start swiftpod-x.scope: the job has failed")) {
            try scope.start(pid: 1, bus: bus.path, uid: 0)
        }
        bus.join()
    }

    @Test func noBusIsAnError() {
        #expect(throws: CgroupError.self) { try scope.start(pid: 1, bus: "/tmp/no-such-bus", uid: 0) }
    }

    @Test func properties() {
        let settings = [
            CgroupSetting("pids.max", "max"), CgroupSetting("cpu.max", "max 100000"),
            CgroupSetting("cpu.max", "33333 100000"), CgroupSetting("cpuset.cpus", "0-1,9"),
            CgroupSetting("io.bfq.weight", "500", also: .init(file: "io.weight", value: "4950")),
            CgroupSetting("io.max", "8:0 wbps=1048576"), CgroupSetting("hugetlb.2MB.max", "1"),
        ]
        let properties = SystemdProperties.properties(settings)
        #expect(
            properties.map(\.name) == [
                "TasksMax", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec",
                "AllowedCPUs", "IOWeight", "IOWriteBandwidthMax",
            ])
        #expect(properties[0].value == .uint64(.max) && properties[1].value == .uint64(.max))
        #expect(properties[3].value == .uint64(340_000))
        #expect(properties[5].value == .array("y", [.byte(3), .byte(2)]))
        #expect(
            properties[7].value
                == .array("(st)", [.structure([.string("/dev/block/8:0"), .uint64(1_048_576)])]))
        let devices = SystemdProperties.properties([
            CgroupSetting("io.bfq.weight", "8:0 500", also: .init(file: "io.weight", value: "8:0 4950")),
            CgroupSetting("io.max", "8:0 rbps=1 wiops=max"),
        ])
        #expect(devices.map(\.name) == ["IODeviceWeight", "IOReadBandwidthMax", "IOWriteIOPSMax"])
        #expect(
            devices[0].value == .array("(st)", [.structure([.string("/dev/block/8:0"), .uint64(4950)])]))
        #expect(SystemdProperties.bits("3-1") == nil && SystemdProperties.bits("x") == nil)
    }

    @Test func messagesSurviveTheWire() throws {
        var message = BusMessage.call(
            "a.b", "/c", "d.e", "F",
            [
                .byte(1), .bool(true), .string("grün"), .uint64(1 << 40), .array("u", []), .array("(sv)", []),
                .structure([.objectPath("/x"), .variant(.array("t", [.uint64(5)]))]), .signature("a(sv)"),
            ])
        message.serial = 9
        let bytes = message.encoded()
        #expect(BusMessage.length(bytes) == bytes.count)
        #expect(BusMessage(bytes) == message)
        // Cut short or made up, it is no message, and no crash either.
        for count in 0..<bytes.count { _ = BusMessage(Array(bytes.prefix(count))) }
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0xff
            _ = BusMessage.length(other)
            _ = BusMessage(other)
        }
    }

    @Test func addresses() {
        #expect(BusAddress.path(in: "unix:path=/run/user/1000/bus") == "/run/user/1000/bus")
        #expect(BusAddress.path(in: "tcp:host=x;unix:guid=1,path=/a%2fb%20c") == "/a/b c")
        #expect(BusAddress.path(in: "unix:abstract=/x") == nil)
        #expect(BusAddress.path(isRoot: false, uid: 7) { _ in nil } == "/run/user/7/bus")
        #expect(BusAddress.path(isRoot: true, uid: 0) { _ in nil } == "/run/dbus/system_bus_socket")
        #expect(
            BusAddress.path(isRoot: false, uid: 7) { $0 == "XDG_RUNTIME_DIR" ? "/r" : nil } == "/r/bus")
    }
}
