import CShims
import Glibc
import LinuxKernel
import OCISpec

/// One message between a program and its launcher: JSON behind its length, descriptors with the first byte.
package struct Frame {
    package var body: JSON
    /// Owned by whoever has the frame, which closes what it has no use for.
    package var descriptors: [Int32] = []

    /// Longer than any command line and environment that the kernel takes.
    package static let limit = 16 << 20
    /// As many as one message of the kernel carries here.
    package static let descriptorLimit = 16

    /// Sends one message; `descriptors` stay the caller's.
    package static func send(
        _ body: JSON, descriptors: [Int32] = [], over socket: Int32
    ) throws(SyscallError) {
        let text = body.encoded()
        guard text.count <= limit else { throw SyscallError("sendmsg", "a message", errno: EMSGSIZE) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count + 4)
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: text.count >> (8 * shift))) }
        bytes += text
        try sendAll(socket, bytes, descriptors: descriptors)
    }

    /// The next message, waiting for it; nil at the end of the stream, in the middle of a message too.
    package static func receive(from socket: Int32) throws(SyscallError) -> Frame? {
        var descriptors: [Int32] = []
        do throws(SyscallError) {
            guard let head = try receive(4, from: socket, &descriptors) else { return closing(descriptors) }
            let length = head.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
            guard length <= limit else { throw SyscallError("recvmsg", "a message", errno: EMSGSIZE) }
            guard let text = try receive(length, from: socket, &descriptors) else { return closing(descriptors) }
            guard let body = try? JSON(parsing: text) else {
                throw SyscallError("recvmsg", "a message", errno: EBADMSG)
            }
            return Frame(body: body, descriptors: descriptors)
        } catch {
            for descriptor in descriptors { close(descriptor) }
            throw error
        }
    }

    private static func closing(_ descriptors: [Int32]) -> Frame? {
        for descriptor in descriptors { close(descriptor) }
        return nil
    }

    private static func receive(
        _ length: Int, from socket: Int32, _ descriptors: inout [Int32]
    ) throws(SyscallError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: length)
        var got = 0
        var with: [Int32] = Array(repeating: -1, count: descriptorLimit)
        while got < length {
            var count = Int32(descriptorLimit)
            let more = try check("recvmsg", "a message") {
                bytes.withUnsafeMutableBytes {
                    swiftpod_receive_message(socket, $0.baseAddress! + got, length - got, &with, &count)
                }
            }
            descriptors += with.prefix(Int(count))
            if more == 0 { return nil }
            got += more
        }
        return bytes
    }
}
