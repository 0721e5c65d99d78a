import CShims
import LinuxKernel

/// The program that executes a container's command: see CShims/guard.c. It is written for one launch: an ELF header, what
/// it is told, its code.
struct Guard: Equatable, Sendable {
    var command: Command
    /// The descriptor of the channel to the launcher.
    var channel: Int32
    /// Loaded last; empty for none.
    var filter: [UInt8] = []
    var filterFlags: UInt32 = 0

    init(command: Command, channel: Int32) {
        self.command = command
        self.channel = channel
    }

    /// The sealed file, or -1 on a machine that lets no file of memory be executed: the plan goes on without.
    func open(step: Int) -> Int32 {
        let image = image(step: step)
        return swiftpod_sealed_program(image, UInt(image.count))
    }

    private static let base = UInt64(SWIFTPOD_GUARD_BASE)
    private static let dataOffset = Int(SWIFTPOD_GUARD_DATA) - Int(SWIFTPOD_GUARD_BASE)

    private func image(step: Int) -> [UInt8] {
        var code: UnsafeRawPointer?
        var entry: UInt = 0
        let length = Int(swiftpod_guard_code(&code, &entry))
        var bytes = [UInt8](repeating: 0, count: Guard.dataOffset + MemoryLayout<swiftpod_guard>.size)
        func align() { while bytes.count % 16 != 0 { bytes.append(0) } }
        func put(_ values: [UInt8]) -> UInt64 {
            defer { bytes += values }
            return Guard.base + UInt64(bytes.count)
        }
        func put(_ texts: [String]) -> UInt64 {
            let addresses = texts.map { put(Array($0.utf8) + [0]) } + [0]
            align()
            return put(addresses.withUnsafeBytes { Array($0) })
        }
        var data = swiftpod_guard()
        data.channel = channel
        data.candidates = put(command.candidates)
        data.arguments = put(command.arguments)
        data.environment = put(command.environment)
        align()
        data.filter = put(filter)
        data.filter_length = UInt32(filter.count / 8)
        data.filter_flags = UInt64(filterFlags)
        data.report.kind = UInt32(SWIFTPOD_FAILED)
        data.report.index = Int32(step)
        align()
        let start = put(Array(UnsafeRawBufferPointer(start: code, count: length))) + UInt64(entry)
        withUnsafeBytes(of: data) { bytes.replaceSubrange(Guard.dataOffset..<(Guard.dataOffset + $0.count), with: $0) }
        bytes.replaceSubrange(0..<120, with: Guard.header(start: start, size: UInt64(bytes.count)))
        return bytes
    }

    /// elf(5): a header and one segment, to be read and executed.
    private static func header(start: UInt64, size: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        #if arch(arm64)
        let machine: UInt16 = 183
        #else
        let machine: UInt16 = 62
        #endif
        put(UInt16(2))
        put(machine)
        put(UInt32(1))
        put(start)
        for offset: UInt64 in [64, 0] { put(offset) }
        put(UInt32(0))
        for value: UInt16 in [64, 56, 1, 0, 0, 0] { put(value) }
        // PT_LOAD, readable and executable.
        put(UInt32(1))
        put(UInt32(5))
        for value: UInt64 in [0, base, base, size, size, 0x1_0000] { put(value) }
        return bytes
    }
}
