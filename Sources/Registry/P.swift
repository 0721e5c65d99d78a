#if Registry
import AsyncHTTPClient
import NIOCore
package func ping(_ url: String) async throws -> Int {
    let r = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(5))
    return Int(r.status.code)
}
#endif
