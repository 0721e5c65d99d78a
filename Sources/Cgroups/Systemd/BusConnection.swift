import CShims
import Glibc
import LinuxKernel

/// A client of a message bus on a local socket.
package struct BusConnection: ~Copyable {
    private let socket: OwnedDescriptor
    private var received: [UInt8] = []
    private var lastSerial: UInt32 = 0
    private var signals: [BusMessage] = []
    private let deadline: Int64

    /// Connects and says who we are: the kernel tells the bus the same (SASL EXTERNAL).
    /// - Parameters:
    ///   - uid: as the bus's own namespace counts; in a keeper's this process is somebody else to itself.
    ///   - seconds: for everything together.
    package static func open(path: String, uid: UInt32, seconds: Int64 = 30) throws(CgroupError) -> BusConnection {
        var connection = BusConnection(socket: try connect(path), deadline: now() + seconds * 1000)
        try connection.introduce(uid)
        return connection
    }

    private init(socket: consuming OwnedDescriptor, deadline: Int64) {
        self.socket = socket
        self.deadline = deadline
    }

    private static func connect(_ path: String) throws(CgroupError) -> OwnedDescriptor {
        do {
            return OwnedDescriptor(adopting: try check("connect", path) { swiftpod_connect(path) })
        } catch {
            throw CgroupError(.notDelegated, "connect to the message bus: \(error)")
        }
    }

    private mutating func introduce(_ uid: UInt32) throws(CgroupError) {
        let name = String(uid).utf8.map { String($0, radix: 16) }.joined()
        try send(Array("\0AUTH EXTERNAL \(name)\r\n".utf8))
        guard try line().hasPrefix("OK ") else {
            throw CgroupError(.failed, "the message bus does not accept user \(uid)")
        }
        try send(Array("BEGIN\r\n".utf8))
        _ = try call(.call(BusConnection.bus, "/org/freedesktop/DBus", BusConnection.bus, "Hello"))
    }

    package static let bus = "org.freedesktop.DBus"

    /// Sends a call and waits for its answer; signals that come meanwhile are kept.
    package mutating func call(_ message: BusMessage) throws(CgroupError) -> [BusValue] {
        lastSerial += 1
        var message = message
        message.serial = lastSerial
        try send(message.encoded())
        while true {
            let answer = try receive()
            if answer.kind == .signal {
                signals.append(answer)
            } else if answer.replySerial == message.serial {
                if answer.kind == .reply { return answer.body }
                throw CgroupError(
                    .failed,
                    "\(message.member ?? "call"): \(answer.body.first?.text ?? answer.errorName ?? "refused")")
            }
        }
    }

    /// The next signal of that name for which the test holds.
    package mutating func signal(
        _ member: String, where test: ([BusValue]) -> Bool
    ) throws(CgroupError) -> [BusValue] {
        for signal in signals where signal.member == member && test(signal.body) { return signal.body }
        while true {
            let message = try receive()
            if message.kind == .signal, message.member == member, test(message.body) { return message.body }
        }
    }

    // MARK: - Bytes

    private func send(_ bytes: [UInt8]) throws(CgroupError) {
        do { try socket.writeAll(bytes) } catch { throw CgroupError(.failed, "send to the message bus: \(error)") }
    }

    private mutating func line() throws(CgroupError) -> String {
        while true {
            if let end = received.firstIndex(of: 0x0a) {
                let text = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return text
            }
            guard received.count < 4096 else { throw CgroupError(.failed, "the message bus speaks another language") }
            try fill()
        }
    }

    private mutating func receive() throws(CgroupError) -> BusMessage {
        while true {
            if let length = BusMessage.length(received) {
                guard length > 0 else { throw CgroupError(.failed, "the message bus speaks another language") }
                if received.count >= length {
                    let bytes = Array(received.prefix(length))
                    received.removeFirst(length)
                    if let message = BusMessage(bytes) { return message }
                    continue
                }
            }
            try fill()
        }
    }

    private mutating func fill() throws(CgroupError) {
        var ready = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        let left = deadline - BusConnection.now()
        guard left > 0, poll(&ready, 1, Int32(clamping: left)) > 0 else {
            throw CgroupError(.failed, "the message bus does not answer")
        }
        var buffer = [UInt8](repeating: 0, count: 16384)
        let got = read(socket.raw, &buffer, buffer.count)
        if got < 0, errno == EINTR || errno == EAGAIN { return }
        guard got > 0 else { throw CgroupError(.failed, "the message bus has hung up") }
        received += buffer.prefix(got)
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// Which bus is whose.
package enum BusAddress {
    /// The socket of the user's bus, or of the system's for root; nil where there is none.
    package static func path(isRoot: Bool, uid: UInt32, variable: (String) -> String?) -> String? {
        let address = variable(isRoot ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS")
        if let path = address.flatMap(path(in:)) { return path }
        if isRoot { return "/run/dbus/system_bus_socket" }
        return (variable("XDG_RUNTIME_DIR") ?? "/run/user/\(uid)") + "/bus"
    }

    /// `unix:path=/run/user/1000/bus,guid=…`, several separated by semicolons; `%2f` is a slash.
    package static func path(in address: String) -> String? {
        for part in address.split(separator: ";") where part.hasPrefix("unix:") {
            for pair in part.dropFirst(5).split(separator: ",") where pair.hasPrefix("path=") {
                return decoded(pair.dropFirst(5))
            }
        }
        return nil
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
