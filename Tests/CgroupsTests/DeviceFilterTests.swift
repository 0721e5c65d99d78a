import Cgroups
import OCISpec
import Testing

/// Runs the few instructions that a filter is made of, as the kernel would.
private func run(_ program: [UInt64], type: UInt32, access: UInt32, major: UInt32, minor: UInt32) -> UInt64? {
    let context: [UInt32] = [access << 16 | type, major, minor]
    var registers = [UInt64](repeating: 0, count: 11)
    var at = 0
    while program.indices.contains(at) {
        let instruction = UInt64(littleEndian: program[at])
        let (to, from) = (Int(instruction >> 8 & 15), Int(instruction >> 12 & 15))
        let jump = Int16(bitPattern: UInt16(truncatingIfNeeded: instruction >> 16))
        let number = instruction >> 32
        at += 1
        switch instruction & 0xff {
        case 0x61: registers[to] = UInt64(context[Int(jump) / 4])
        case 0xbc: registers[to] = registers[from]
        case 0xb4: registers[to] = number
        case 0x54: registers[to] &= number
        case 0x74: registers[to] >>= number
        case 0x56: if registers[to] != number { at += Int(jump) }
        case 0x16: if registers[to] == number { at += Int(jump) }
        case 0x95: return registers[0]
        default: return nil
        }
    }
    return nil
}

@Suite struct DeviceFilterTests {
    /// Access bits: 1 make, 2 read, 4 write. Types: 1 block, 2 character.
    struct Row: CustomTestStringConvertible, Sendable {
        let rules: String
        let type: UInt32
        let access: UInt32
        let device: (UInt32, UInt32)
        let allowed: UInt64
        var testDescription: String { "\(rules) \(type) \(access) \(device)" }
    }

    static let null =
        #"[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3,"access":"rw"}]"#
    static let apart = """
        [{"allow":false},{"allow":true,"type":"c","major":1,"minor":3,"access":"r"},\
        {"allow":true,"type":"c","major":1,"minor":3,"access":"w"}]
        """
    static let denied = """
        [{"allow":false},{"allow":true,"type":"c","major":5,"access":"rwm"},\
        {"allow":false,"type":"c","major":5,"minor":1,"access":"w"}]
        """
    static let blocks = #"[{"allow":true},{"allow":false,"type":"b","access":"rwm"}]"#

    static let rows: [Row] = [
        Row(rules: null, type: 2, access: 2, device: (1, 3), allowed: 1),
        Row(rules: null, type: 2, access: 6, device: (1, 3), allowed: 1),
        Row(rules: null, type: 2, access: 1, device: (1, 3), allowed: 0),
        Row(rules: null, type: 2, access: 3, device: (1, 3), allowed: 0),
        Row(rules: null, type: 1, access: 2, device: (1, 3), allowed: 0),
        Row(rules: null, type: 2, access: 2, device: (1, 5), allowed: 0),
        // Two rules together grant what neither grants alone.
        Row(rules: apart, type: 2, access: 6, device: (1, 3), allowed: 1),
        Row(rules: apart, type: 2, access: 7, device: (1, 3), allowed: 0),
        // A later denial takes a part away again.
        Row(rules: denied, type: 2, access: 2, device: (5, 1), allowed: 1),
        Row(rules: denied, type: 2, access: 6, device: (5, 1), allowed: 0),
        Row(rules: denied, type: 2, access: 6, device: (5, 2), allowed: 1),
        Row(rules: blocks, type: 1, access: 2, device: (8, 0), allowed: 0),
        Row(rules: blocks, type: 2, access: 7, device: (8, 0), allowed: 1),
    ]

    @Test(arguments: rows) func decides(_ row: Row) throws {
        let list = try JSON(parsing: Array(row.rules.utf8)).array ?? []
        let rules = try list.map { json in try DeviceRule(json) }
        let filter = try #require(DeviceFilter(rules))
        let verdict = run(
            filter.program, type: row.type, access: row.access, major: row.device.0, minor: row.device.1)
        #expect(verdict == row.allowed)
    }

    @Test func everythingAllowedNeedsNoProgram() throws {
        #expect(DeviceFilter([DeviceRule(allows: false), DeviceRule(allows: true)]) == nil)
    }

    @Test func commandLineRules() throws {
        #expect(
            try DeviceRule(parsing: "c 189:* rwm") == DeviceRule(allows: true, .character, major: 189, access: .all))
        #expect(
            try DeviceRule(parsing: "b 8:1 r") == DeviceRule(allows: true, .block, major: 8, minor: 1, access: .read))
        for bad in ["", "c", "c 1:2", "x 1:2 r", "c 1 r", "c 1:2 rx", "c -1:2 r", "c 1:2 r w"] {
            #expect(throws: CgroupError.self) { try DeviceRule(parsing: bad) }
        }
        let rule = try DeviceRule(parsing: "c 189:* rm")
        #expect(try DeviceRule(rule.json) == rule)
    }
}
