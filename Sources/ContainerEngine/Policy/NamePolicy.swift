/// What containers, volumes and hosts may be called.
public enum NamePolicy {
    /// Containers and volumes: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`. Names are path components of the store, too.
    public static func check(_ name: String) throws(EngineError) {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, isAlphanumeric(first),
            bytes.allSatisfy({ isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D })
        else { throw EngineError(.invalid, "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument") }
        // NAME_MAX, less what temporary names beside it add.
        guard bytes.count <= 200 else { throw EngineError(.invalid, "name \(name.prefix(32))…: longer than 200 bytes") }
    }

    /// sethostname(2) takes 64 bytes; what is a line break to /etc/hosts is none to the kernel.
    package static func checkHostname(_ name: String) throws(EngineError) {
        guard name.utf8.count <= 64 else {
            throw EngineError(.invalid, "hostname \(name.prefix(32))…: longer than 64 bytes")
        }
        guard name.utf8.allSatisfy({ isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }) else {
            throw EngineError(.invalid, "invalid hostname \"\(name)\": letters, digits, '.', '_' and '-' are allowed")
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
