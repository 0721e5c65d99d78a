import Glibc
import LinuxKernel

/// Reads a log file piece by piece, however large it is, and on when it grows or begins anew.
struct LogReader: ~Copyable {
    private let path: String
    private var file: OwnedDescriptor
    private var inode: UInt64
    /// What was read and is no whole line yet.
    private var rest: [UInt8] = []

    init(_ path: String) throws(SyscallError) {
        let file = try OwnedDescriptor.open(path, O_RDONLY)
        let inode = try FileStatus(descriptor: file.raw).inode
        self.path = path
        self.file = file
        self.inode = inode
    }

    /// Hands on the next whole lines, without their ends; false where there is nothing more just now.
    mutating func next(_ each: (ArraySlice<UInt8>) throws(SyscallError) -> Bool) throws(SyscallError) -> Bool {
        let size = 64 << 10
        var failure: Int32 = 0
        let raw = file.raw
        let chunk = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let got = read(raw, buffer.baseAddress, size)
            if got < 0 { failure = errno }
            count = max(0, got)
        }
        if failure != 0 { throw SyscallError("read", path, errno: failure) }
        if chunk.isEmpty { return false }
        rest += chunk
        var from = 0
        while let end = rest[from...].firstIndex(of: 0x0a) {
            let goesOn = try each(rest[from..<end])
            from = end + 1
            if !goesOn { break }
        }
        rest.removeFirst(from)
        return true
    }

    /// A log that has reached its limit began anew under the same name: goes on with that. False where it did not.
    mutating func followRotation() throws(SyscallError) -> Bool {
        guard let status = try FileStatus.ifPresent(path), status.inode != inode else { return false }
        file = try OwnedDescriptor.open(path, O_RDONLY)
        inode = status.inode
        rest = []
        return true
    }

    /// Goes to where the last `count` lines begin; a line in several parts is one.
    mutating func seekToTail(_ count: Int) throws(SyscallError) {
        var position = Int(try FileStatus(descriptor: file.raw).size)
        var found = 0
        var isLast = true
        // What stands from `position` on and was not looked at: never more than a block and one line.
        var buffer: [UInt8] = []
        while position > 0 {
            let length = min(64 << 10, position)
            position -= length
            buffer = try block(at: position, length) + buffer
            while let cut = buffer.dropLast().lastIndex(of: 0x0a) {
                if endsHere(buffer[(cut + 1)...], isLast: isLast) { found += 1 }
                if found > count { return try seek(position + buffer.count) }
                isLast = false
                buffer.removeLast(buffer.count - cut - 1)
            }
        }
        if endsHere(buffer[...], isLast: isLast) { found += 1 }
        try seek(found > count ? buffer.count : 0)
    }

    private func endsHere(_ line: ArraySlice<UInt8>, isLast: Bool) -> Bool {
        guard let line = LogLine(line) else { return false }
        return isLast || !line.isPartial
    }

    private func block(at position: Int, _ length: Int) throws(SyscallError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        let raw = file.raw
        let got = try check("pread", path) { pread(raw, &bytes, length, off_t(position)) }
        return Array(bytes.prefix(Int(got)))
    }

    private func seek(_ position: Int) throws(SyscallError) {
        let raw = file.raw
        try check("lseek", path) { lseek(raw, off_t(position), SEEK_SET) }
    }
}
