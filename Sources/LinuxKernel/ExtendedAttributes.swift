import CShims
import Glibc

/// Extended attributes (xattr(7)) of an open file, O_PATH descriptors included.
public enum ExtendedAttributes {
    /// The value of an attribute; nil where the file has none of that name.
    public static func get(_ name: String, of descriptor: Int32) throws(SyscallError) -> [UInt8]? {
        try value(name) { swiftpod_getxattr(descriptor, name, $0, $1) }
    }

    /// The value of an attribute of the file at a path, symbolic links not followed.
    public static func get(_ name: String, at path: String) throws(SyscallError) -> [UInt8]? {
        try value(name) { swiftpod_lgetxattr(path, name, $0, $1) }
    }

    public static func set(_ name: String, to value: [UInt8], on descriptor: Int32) throws(SyscallError) {
        try check("setxattr", name) { swiftpod_setxattr(descriptor, name, value, value.count) }
    }

    /// Sets an attribute of the file at a path, symbolic links not followed.
    public static func set(_ name: String, to value: [UInt8], at path: String) throws(SyscallError) {
        try check("setxattr", name) { swiftpod_lsetxattr(path, name, value, value.count) }
    }

    public static func remove(_ name: String, from descriptor: Int32) throws(SyscallError) {
        try check("removexattr", name) { swiftpod_removexattr(descriptor, name) }
    }

    /// The names of a file's attributes, as far as the caller may see them.
    public static func names(of descriptor: Int32) throws(SyscallError) -> [String] {
        let list = try value("names") { buffer, size in
            buffer.withMemoryRebound(to: CChar.self, capacity: size) { swiftpod_listxattr(descriptor, $0, size) }
        }
        return (list ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func value(
        _ name: String, _ call: (UnsafeMutablePointer<UInt8>, Int) -> Int
    ) throws(SyscallError) -> [UInt8]? {
        var capacity = 256
        while true {
            var failure: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                let got = call(buffer.baseAddress!, capacity)
                if got < 0 { failure = errno } else { count = got }
            }
            switch failure {
            case 0: return bytes
            case ENODATA, EOPNOTSUPP: return nil
            case ERANGE where capacity < 1 << 20: capacity *= 16
            case EINTR: continue
            default: throw SyscallError("getxattr", name, errno: failure)
            }
        }
    }
}
