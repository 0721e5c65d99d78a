import OCISpec
import SwiftPod

/// A request with the descriptors that came with it.
struct Call: Sendable {
    let request: HTTPRequest
    let descriptors: [Int32]
}

struct Response: Sendable {
    var status: Int
    var content: Content
    var contentType = "application/json"
    /// The methods that a path has, with 405.
    var allow: String?

    enum Content: Sendable {
        case body([UInt8])
        /// Lines of JSON as they come about; nil ends it.
        case stream(@Sendable () async -> JSON?)
    }

    init(_ status: Int, _ json: JSON) {
        self.status = status
        content = .body(json.encoded() + [0x0a])
    }

    static let nothing: Response = {
        var response = Response(204, .null)
        response.content = .body([])
        return response
    }()

    init(_ status: Int, fault message: String, code: String = "invalid") {
        self.init(status, ["error": ["code": .string(code), "message": .string(message)]])
    }

    init(stream: @escaping @Sendable () async -> JSON?) {
        status = 200
        content = .stream(stream)
    }

    init(_ error: any Error) {
        switch error {
        case let error as WorkerError:
            self.init(Response.status(error.code), fault: error.message, code: error.code.description)
        case let error as DocumentError: self.init(400, fault: error.description)
        default: self.init(500, fault: "\(error)", code: "failed")
        }
    }

    private static func status(_ code: WorkerError.Code) -> Int {
        switch code {
        case .notFound: 404
        case .exists: 409
        case .invalid: 400
        case .unsupported: 501
        case .permission: 403
        case .cannotInvoke, .commandNotFound: 422
        case .closed: 503
        default: 500
        }
    }
}
