#if Registry
import NIOHTTP1
import OCISpec

extension RegistryError {
    /// What a registry's refusal means, with its own words where it has any.
    ///
    /// - Parameter action: what was tried, as the message begins: `pull r.example/x`.
    init(refusedBy response: HTTPTransport.Response, action: String) async {
        let words = await RegistryError.words(of: response)
        switch response.status {
        case 401: self.init(.unauthorized, "\(action): authentication required\(words.map { " (\($0))" } ?? "")")
        case 403: self.init(.denied, "\(action): \(words ?? "access denied")")
        case 404: self.init(.notFound, "\(action): \(words ?? "not found")")
        case 429: self.init(.rateLimited, "\(action): \(words ?? "too many requests")")
        default:
            let reason = HTTPResponseStatus(statusCode: response.status).reasonPhrase
            self.init(
                response.status >= 500 ? .network : .invalid,
                "\(action): the server answers \(response.status) \(reason)\(words.map { ": \($0)" } ?? "")")
        }
    }

    /// The first error of the specification's `{"errors": [{"code", "message"}]}`, at most a line of it.
    private static func words(of response: HTTPTransport.Response) async -> String? {
        guard let bytes = try? await response.bytes(limit: 64 << 10, subject: "error"),
            let json = try? JSON(parsing: bytes)
        else { return nil }
        let first = json["errors"]?.array?.first ?? json
        let candidates = [first["message"], first["details"], first["error"], first["code"]].compactMap { $0?.string }
        guard let text = candidates.first(where: { !$0.isEmpty }) else { return nil }
        return RegistryError.singleLine(String(text.prefix(200)))
    }
}
#endif
