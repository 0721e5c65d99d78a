import OCISpec

/// Names of images, digests and platforms: what is accepted must mean the same when it is written out and read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    do {
        let reference = try Reference(parsing: text)
        let full = reference.description
        precondition(full.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "accepted a name that is not ASCII")
        precondition(!reference.repository.contains(".."), "accepted a way out of a directory")
        // `library/` may take a name over the limit of its length.
        if reference.name.utf8.count <= ImageName.lengthLimit {
            precondition(try! Reference(parsing: full) == reference, "\(full) is read as another name")
        }
        _ = try? Reference(parsing: reference.familiar)
        if let short = try Reference.parseShort(text) {
            precondition(short.qualified().description == full, "\(full) is short in another way")
        }
    } catch {
        precondition(!error.description.utf8.contains(0x0A), "error on two lines")
    }
    if let digest = Digest(text) { precondition(digest.description == text && digest.hex.utf8.count == 64) }
    do {
        let platform = try Platform(parsing: text)
        precondition(
            try! Platform(parsing: platform.description) == platform, "\(platform) is read as another platform")
        precondition(platform.accepts(platform) && platform.candidates.count < 1000)
    } catch {
        precondition(!error.description.utf8.contains(0x0A), "error on two lines")
    }
    return 0
}
