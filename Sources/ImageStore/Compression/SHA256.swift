import CCrypto
import OCISpec

/// SHA-256 over bytes as they come, by libcrypto, which uses the processor's own instructions.
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    init() {
        // Fails for want of memory only.
        context = EVP_MD_CTX_new()!
        reset()
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    /// Begins anew. The context is kept: setting one up costs more than hashing a small file.
    func reset() {
        precondition(EVP_DigestInit_ex(context, SHA256.algorithm.pointer, nil) == 1, "libcrypto has no SHA-256")
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress { EVP_DigestUpdate(context, base, bytes.count) }
    }

    /// Zeros, as a hole in a file reads.
    func update(zeros count: Int64) {
        var left = count
        SHA256.zeros.withUnsafeBytes { zeros in
            while left > 0 {
                let part = Int(min(left, Int64(zeros.count)))
                update(UnsafeRawBufferPointer(rebasing: zeros[..<part]))
                left -= Int64(part)
            }
        }
    }

    /// The digest; `reset()` before the next use.
    func finish() -> ObjectID {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) {
            _ = EVP_DigestFinal_ex(context, $0.bindMemory(to: UInt8.self).baseAddress!, nil)
        }
        return ObjectID(words)
    }

    package static func digest(of bytes: [UInt8]) -> Digest {
        let hash = SHA256()
        bytes.withUnsafeBytes { hash.update($0) }
        return hash.finish().digest
    }

    private struct Algorithm: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    /// Fetched once: OpenSSL 3 looks the algorithm up in its providers at each use otherwise.
    private static let algorithm = Algorithm(pointer: EVP_MD_fetch(nil, "SHA256", nil))
    private static let zeros = [UInt8](repeating: 0, count: 1 << 16)
}
