import CShims
import Glibc

/// A network interface that is to live in another network namespace, with its addresses: rtnetlink(7).
public struct NetworkInterface {
    private let name: String

    public init(_ name: String) { self.name = name }

    /// What the kernel takes as a name.
    public static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count < 16 && name != "." && name != ".."
            && !name.utf8.contains { $0 <= 0x20 || $0 == 0x2f || $0 == 0x3a || $0 == 0x7f }
    }

    /// Moves it from this process's namespace, under a name that it has there, and sets it up. What the kernel drops on the
    /// way is given back: addresses that are permanent and of global scope.
    public func move(to namespace: borrowing OwnedDescriptor, as newName: String) throws(SyscallError) {
        let here = try RouteSocket()
        let index = try here.index(of: name)
        let addresses = try here.addresses(of: index)
        let there = try RouteSocket(in: namespace)
        var link = RouteMessage(.newLink, flags: .acknowledged, interface: index)
        link.append(.namespace, Int32(namespace.raw))
        link.append(.interfaceName, newName)
        try here.request(link, about: name)
        let newIndex = try there.index(of: newName)
        for address in addresses { try there.request(address.message(for: newIndex), about: newName) }
        try there.request(RouteMessage(.newLink, flags: .acknowledged, interface: newIndex, isUp: true), about: newName)
    }
}

/// A socket to the kernel's tables of one network namespace.
private struct RouteSocket: ~Copyable {
    private let socket: OwnedDescriptor

    /// In this process's namespace.
    init() throws(SyscallError) {
        let kind = Int32(SOCK_RAW.rawValue) | 0o2000000
        socket = OwnedDescriptor(adopting: try check("socket", "netlink") { Glibc.socket(AF_NETLINK, kind, 0) })
    }

    /// A socket stays in the namespace that it was made in, so that this thread is there for a moment only.
    init(in namespace: borrowing OwnedDescriptor) throws(SyscallError) {
        let network: Int32 = 0x4000_0000
        let own = try OwnedDescriptor.open("/proc/self/ns/net", O_RDONLY)
        try check("setns", "network namespace") { swiftpod_setns(namespace.raw, network) }
        defer { if swiftpod_setns(own.raw, network) != 0 { abort() } }
        try self.init()
    }

    func index(of name: String) throws(SyscallError) -> Int32 {
        var query = RouteMessage(.getLink, flags: .request, interface: 0)
        query.append(.interfaceName, name)
        try send(query)
        for reply in try receive(about: name) where reply.kind == RouteMessage.Kind.newLink.rawValue {
            return Int32(bitPattern: reply.word(4))
        }
        throw SyscallError("find network interface", name, errno: ENODEV)
    }

    func addresses(of index: Int32) throws(SyscallError) -> [RouteAddress] {
        try send(RouteMessage(.getAddress, flags: .dump, address: [0, 0, 0, 0], interface: 0))
        var found: [RouteAddress] = []
        while true {
            let replies = try receive(about: "addresses")
            for reply in replies {
                if reply.kind == RouteMessage.done { return found }
                if let address = RouteAddress(reply, of: index) { found.append(address) }
            }
            if replies.isEmpty { return found }
        }
    }

    func request(_ message: RouteMessage, about subject: String) throws(SyscallError) {
        try send(message)
        _ = try receive(about: subject)
    }

    private func send(_ message: RouteMessage) throws(SyscallError) {
        let bytes = message.bytes
        try check("send", "netlink") { Int32(truncatingIfNeeded: Glibc.send(socket.raw, bytes, bytes.count, 0)) }
    }

    /// One packet's messages. An error in it is thrown; an acknowledgement is none.
    private func receive(about subject: String) throws(SyscallError) -> [RouteReply] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = try check("recv", "netlink") {
            Int32(truncatingIfNeeded: recv(socket.raw, &buffer, buffer.count, 0))
        }
        var rest = buffer[..<Int(count)]
        var replies: [RouteReply] = []
        while let reply = RouteReply(&rest) {
            let code = reply.kind == RouteMessage.error ? Int32(bitPattern: reply.word(0)) : 0
            if code != 0 { throw SyscallError("configure network interface", subject, errno: -code) }
            replies.append(reply)
        }
        return replies
    }
}

/// A request: header, a fixed part, attributes; everything in the machine's byte order, padded to four bytes.
private struct RouteMessage {
    enum Kind: UInt16 {
        case newLink = 16
        case getLink = 18
        case newAddress = 20
        case getAddress = 22
    }

    enum Flags: UInt16 {
        case request = 0x1
        case acknowledged = 0x5
        /// Acknowledged, made where it is missing, replaced where it is not.
        case replace = 0x505
        case dump = 0x301
    }

    enum Attribute: UInt16 {
        case interfaceName = 3
        case namespace = 28
    }

    static let error: UInt16 = 2
    static let done: UInt16 = 3

    private var body: [UInt8] = []
    private let kind: Kind
    private let flags: Flags

    /// struct ifinfomsg: family, type, index, flags, which of them change.
    init(_ kind: Kind, flags: Flags, interface index: Int32, isUp: Bool = false) {
        self.kind = kind
        self.flags = flags
        let up: UInt32 = isUp ? 1 : 0
        put(UInt32(0))
        put(UInt32(bitPattern: index))
        put(up)
        put(up)
    }

    /// struct ifaddrmsg: family, prefix, flags, scope; index.
    init(_ kind: Kind, flags: Flags, address head: [UInt8], interface index: Int32) {
        self.kind = kind
        self.flags = flags
        body = head
        put(UInt32(bitPattern: index))
    }

    mutating func append(_ attribute: Attribute, _ value: Int32) {
        append(attribute.rawValue, withUnsafeBytes(of: value) { Array($0) })
    }

    mutating func append(_ attribute: Attribute, _ text: String) {
        append(attribute.rawValue, Array(text.utf8) + [0])
    }

    mutating func append(_ attribute: UInt16, _ value: [UInt8]) {
        put(UInt16(value.count + 4))
        put(attribute)
        body += value
        while body.count % 4 != 0 { body.append(0) }
    }

    private mutating func put<I: FixedWidthInteger>(_ value: I) { withUnsafeBytes(of: value) { body += $0 } }

    /// struct nlmsghdr: length, kind, flags, sequence, port.
    var bytes: [UInt8] {
        var head: [UInt8] = []
        withUnsafeBytes(of: UInt32(16 + body.count)) { head += $0 }
        withUnsafeBytes(of: kind.rawValue) { head += $0 }
        withUnsafeBytes(of: flags.rawValue) { head += $0 }
        return head + [UInt8](repeating: 0, count: 8) + body
    }
}

/// A message of the kernel's, without its header.
private struct RouteReply {
    let kind: UInt16
    let body: ArraySlice<UInt8>

    init?(_ bytes: inout ArraySlice<UInt8>) {
        guard bytes.count >= 16 else { return nil }
        let length = Int(RouteReply.number(bytes, 0, UInt32.self))
        guard length >= 16, length <= bytes.count else { return nil }
        kind = RouteReply.number(bytes, 4, UInt16.self)
        body = bytes.dropFirst(16).prefix(length - 16)
        bytes = bytes.dropFirst((length + 3) / 4 * 4)
    }

    func word(_ offset: Int) -> UInt32 { RouteReply.number(body, offset, UInt32.self) }

    /// 0 where the message is too short to have it.
    static func number<I: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, _ offset: Int, _ type: I.Type) -> I {
        guard offset + MemoryLayout<I>.size <= bytes.count else { return 0 }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
}

/// An address of an interface, as the kernel tells it and takes it back.
private struct RouteAddress {
    private let head: [UInt8]
    private let attributes: [(kind: UInt16, value: [UInt8])]

    /// nil for what is no permanent, global address of that interface.
    init?(_ reply: RouteReply, of index: Int32) {
        let body = Array(reply.body)
        let (permanent, universe): (UInt8, UInt8) = (0x80, 0)
        guard reply.kind == RouteMessage.Kind.newAddress.rawValue, body.count >= 8,
            reply.word(4) == UInt32(bitPattern: index), body[2] & permanent != 0, body[3] == universe
        else { return nil }
        head = Array(body[..<4])
        var found: [(kind: UInt16, value: [UInt8])] = []
        var rest = body[8...]
        while rest.count >= 4 {
            let length = Int(RouteReply.number(rest, 0, UInt16.self))
            guard length >= 4, length <= rest.count else { break }
            found.append((RouteReply.number(rest, 2, UInt16.self), Array(rest.dropFirst(4).prefix(length - 4))))
            rest = rest.dropFirst((length + 3) / 4 * 4)
        }
        // The label is the old name's.
        attributes = found.filter { $0.kind != 3 }
    }

    func message(for index: Int32) -> RouteMessage {
        var message = RouteMessage(.newAddress, flags: .replace, address: head, interface: index)
        for attribute in attributes { message.append(attribute.kind, attribute.value) }
        return message
    }
}
