import OCISpec

/// Every document from the same bytes: what is accepted must be equal when it is written and read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let json: JSON
    do {
        json = try JSON(parsing: bytes)
    } catch {
        precondition(!error.description.utf8.contains(0x0A), "error on two lines")
        return 0
    }
    precondition(try! JSON(parsing: json.encoded()) == json, "\(json.text) is read as another value")
    precondition(try! JSON(parsing: json.encoded(pretty: true)) == json, "written prettily it is another value")
    check(ImageManifest.self, json)
    check(ImageIndex.self, json)
    check(ImageConfig.self, json)
    check(RuntimeSpec.self, json)
    if let index = try? ImageIndex(json: json) { _ = index.manifest(for: .host) }
    return 0
}

private func check<T: JSONDocument & Equatable>(_ type: T.Type, _ json: JSON) {
    do {
        let document = try T(json: json)
        let written = document.json
        precondition(try! T(json: written) == document, "\(written.text) is read as another \(type)")
        precondition(try! T(json: written).json == written, "\(written.text) is written in another way")
    } catch {
        precondition(!error.description.utf8.contains(0x0A), "error on two lines")
    }
}
