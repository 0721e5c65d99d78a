/// A message of D-Bus: a call, its answer, or a signal.
package struct BusMessage: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case call = 1
        case reply, error, signal
    }

    package var kind: Kind
    package var serial: UInt32 = 0
    package var replySerial: UInt32?
    package var path: String?
    package var interface: String?
    package var member: String?
    package var errorName: String?
    package var destination: String?
    package var body: [BusValue] = []

    package init(_ kind: Kind) {
        self.kind = kind
    }

    package static func call(
        _ destination: String, _ path: String, _ interface: String, _ member: String, _ body: [BusValue] = []
    ) -> BusMessage {
        var message = BusMessage(.call)
        message.destination = destination
        message.path = path
        message.interface = interface
        message.member = member
        message.body = body
        return message
    }

    package func encoded() -> [UInt8] {
        var body = BusWriter()
        for value in self.body { body.put(value) }
        var fields: [BusValue] = []
        func field(_ code: UInt8, _ value: BusValue?) {
            if let value { fields.append(.structure([.byte(code), .variant(value)])) }
        }
        field(1, path.map(BusValue.objectPath))
        field(2, interface.map(BusValue.string))
        field(3, member.map(BusValue.string))
        field(4, errorName.map(BusValue.string))
        field(5, replySerial.map(BusValue.uint32))
        field(6, destination.map(BusValue.string))
        if !self.body.isEmpty { field(8, .signature(self.body.map(\.signature).joined())) }
        var head = BusWriter()
        for byte in [UInt8(ascii: "l"), kind.rawValue, 0, 1] { head.put(.byte(byte)) }
        head.put(UInt32(body.bytes.count))
        head.put(serial)
        head.put(.array("(yv)", fields))
        head.align(8)
        return head.bytes + body.bytes
    }

    /// How long the message is that begins so; nil where more has to come first. Messages of the other byte order, or of
    /// more than 1 MiB, are none of ours: 0.
    package static func length(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 16 else { return nil }
        guard bytes[0] == UInt8(ascii: "l") else { return 0 }
        var reader = BusReader(bytes, at: 4)
        let body = Int(reader.integer(UInt32.self) ?? 0)
        reader = BusReader(bytes, at: 12)
        let fields = Int(reader.integer(UInt32.self) ?? 0)
        let total = (16 + fields + 7) / 8 * 8 + body
        return total <= 1 << 20 ? total : 0
    }

    /// nil for what is no message.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count >= 16, let kind = Kind(rawValue: bytes[1]) else { return nil }
        self.init(kind)
        var reader = BusReader(bytes, at: 8)
        serial = reader.integer(UInt32.self) ?? 0
        guard let fields = reader.values("a(yv)"), case .array(_, let entries)? = fields.first else { return nil }
        var signature = ""
        for case .structure(let entry) in entries {
            guard entry.count == 2, case .byte(let code) = entry[0], case .variant(let value) = entry[1] else {
                continue
            }
            switch (code, value) {
            case (1, _): path = value.text
            case (2, _): interface = value.text
            case (3, _): member = value.text
            case (4, _): errorName = value.text
            case (5, .uint32(let number)): replySerial = number
            case (6, _): destination = value.text
            case (8, .signature(let text)): signature = text
            default: break
            }
        }
        reader.align(8)
        body = reader.values(signature) ?? []
    }
}
