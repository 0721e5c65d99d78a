import CShims
import Glibc

extension OwnedDescriptor {
    /// Reads to the end. More than `limit` bytes is EFBIG.
    public func readAll(limit: Int = 1 << 30) throws(SyscallError) -> [UInt8] {
        try LinuxKernel.readAll(raw, limit: limit)
    }

    /// Writes everything, however many calls it takes.
    public func writeAll(_ bytes: some Collection<UInt8>) throws(SyscallError) {
        try LinuxKernel.writeAll(raw, bytes)
    }

    /// As the general one, which other modules get unspecialised: that takes tens of thousands of instructions.
    public func writeAll(_ bytes: [UInt8]) throws(SyscallError) {
        try LinuxKernel.writeAll(raw, bytes)
    }

    /// Passes descriptors over a local socket, with one byte.
    public func send(descriptors: [Int32]) throws(SyscallError) {
        try check("sendmsg", "descriptors") { swiftpod_send_descriptors(raw, descriptors, Int32(descriptors.count)) }
    }

    /// Takes descriptors from a local socket, at most 16; none at the end of the stream. The caller owns them.
    public func receiveDescriptors() throws(SyscallError) -> [Int32] {
        var received = [Int32](repeating: -1, count: 16)
        let count = try check("recvmsg", "descriptors") {
            received.withUnsafeMutableBufferPointer { swiftpod_receive_descriptors(raw, $0.baseAddress!, 16) }
        }
        return Array(received.prefix(Int(count)))
    }
}

/// Reads a borrowed descriptor to its end. More than `limit` bytes is EFBIG.
public func readAll(_ descriptor: Int32, limit: Int = 1 << 30) throws(SyscallError) -> [UInt8] {
    var bytes: [UInt8] = []
    var wanted = 4096
    while true {
        var failure: Int32 = 0
        let old = bytes.count
        let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            while true {
                let got = read(descriptor, buffer.baseAddress!, wanted)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                count = max(0, got)
                return
            }
        }
        if failure != 0 { throw SyscallError("read", errno: failure) }
        if chunk.isEmpty { return bytes }
        if old + chunk.count > limit { throw SyscallError("read", errno: EFBIG) }
        if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
        if chunk.count == wanted { wanted = min(wanted * 4, 1 << 20) }
    }
}

/// Sends everything over a borrowed local stream socket, and descriptors, at most 16, with the first byte. A socket whose
/// other end is gone is EPIPE and no signal.
public func sendAll(_ socket: Int32, _ bytes: [UInt8], descriptors: [Int32] = []) throws(SyscallError) {
    var sent = 0
    while sent < bytes.count {
        let count = sent == 0 ? Int32(descriptors.count) : 0
        sent += try check("sendmsg", "a message") {
            bytes.withUnsafeBytes {
                swiftpod_send_message(socket, $0.baseAddress! + sent, $0.count - sent, descriptors, count)
            }
        }
    }
}

/// Writes everything to a borrowed descriptor.
public func writeAll(_ descriptor: Int32, _ bytes: some Collection<UInt8>) throws(SyscallError) {
    let result: Result<Void, SyscallError>? = bytes.withContiguousStorageIfAvailable { buffer in
        do throws(SyscallError) {
            return .success(try writeAll(descriptor, UnsafeRawBufferPointer(buffer)))
        } catch {
            return .failure(error)
        }
    }
    if let result {
        try result.get()
    } else {
        try writeAll(descriptor, Array(bytes))
    }
}

/// Writes everything to a borrowed descriptor.
public func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SyscallError) {
    var written = 0
    while written < bytes.count {
        written += try check("write") {
            bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, $0.count - written) }
        }
    }
}

private func writeAll(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) throws(SyscallError) {
    var written = 0
    while written < buffer.count {
        written += try check("write") { write(descriptor, buffer.baseAddress! + written, buffer.count - written) }
    }
}
