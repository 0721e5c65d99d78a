import CShims
import Glibc
import LinuxKernel
import OCISpec

/// One client: reads its requests one after the other and writes the answers. Lives in a thread of its own.
final class Connection {
    private let socket: Int32
    private let service: Service
    private var pending: [UInt8] = []
    /// Came with the bytes of the request in hand.
    private var descriptors: [Int32] = []
    private var expectsContinue = false

    init(_ socket: Int32, _ service: Service) {
        self.socket = socket
        self.service = service
    }

    func serve() {
        defer {
            closeDescriptors()
            close(socket)
        }
        while true {
            do throws(HTTPFault) {
                guard let request = try next() else { return }
                let isDone = answer(request)
                closeDescriptors()
                if isDone || request.isLast { return }
            } catch {
                _ = send(Response(error.status, fault: error.message), isLast: true)
                return
            }
        }
    }

    // MARK: - Reading

    /// nil when the client has gone.
    private func next() throws(HTTPFault) -> HTTPRequest? {
        var end = endOfHead
        while end == nil {
            guard pending.count <= HTTPRequest.headLimit else { throw HTTPFault(413, "the head is too long") }
            guard receive() else { return nil }
            end = endOfHead
        }
        guard let end else { return nil }
        var request = try HTTPRequest(head: pending[..<end.head])
        pending.removeSubrange(..<end.body)
        let length = try request.bodyLength()
        if length > pending.count, request.headers["expect"]?.lowercased() == "100-continue" {
            guard write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) else { return nil }
        }
        while pending.count < length {
            guard receive() else { return nil }
        }
        request.body = Array(pending.prefix(length))
        pending.removeFirst(length)
        return request
    }

    private var endOfHead: (head: Int, body: Int)? {
        for index in pending.indices.dropFirst() where pending[index] == 0x0a {
            if pending[index - 1] == 0x0a { return (index - 1, index + 1) }
            if index > 1, pending[index - 1] == 0x0d, pending[index - 2] == 0x0a { return (index - 2, index + 1) }
        }
        return nil
    }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16384)
        var with = [Int32](repeating: -1, count: 16)
        var count = Int32(max(0, 16 - descriptors.count))
        let got = swiftpod_receive_message(socket, &buffer, buffer.count, &with, &count)
        guard got > 0 else { return false }
        descriptors += with.prefix(Int(count))
        pending += buffer.prefix(got)
        return true
    }

    private func closeDescriptors() {
        for descriptor in descriptors { close(descriptor) }
        descriptors = []
    }

    // MARK: - Answering

    /// True when nothing can follow.
    private func answer(_ request: HTTPRequest) -> Bool {
        let call = Call(request: request, descriptors: descriptors)
        let service = self.service
        let response = blocking { await service.respond(to: call) }
        switch response.content {
        case .body: return !send(response, isLast: request.isLast)
        case .stream(let next):
            stream(next)
            return true
        }
    }

    private func send(_ response: Response, isLast: Bool) -> Bool {
        guard case .body(let body) = response.content else { return false }
        var head = "HTTP/1.1 \(response.status) \(reasonPhrase(response.status))\r\n"
        if response.status != 204 {
            head += "Content-Type: \(response.contentType)\r\nContent-Length: \(body.count)\r\n"
        }
        if let allow = response.allow { head += "Allow: \(allow)\r\n" }
        if isLast { head += "Connection: close\r\n" }
        return write(Array((head + "\r\n").utf8) + body)
    }

    /// In chunks, one line of JSON each, until there are no more or the client goes away.
    private func stream(_ next: @escaping @Sendable () async -> JSON?) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        guard write(Array(head.utf8)) else { return }
        while let line = blocking(next) {
            let text = line.encoded() + [0x0a]
            let chunk = Array("\(String(text.count, radix: 16))\r\n".utf8) + text + [0x0d, 0x0a]
            guard write(chunk) else { return }
        }
        _ = write(Array("0\r\n\r\n".utf8))
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        (try? sendAll(socket, bytes)) != nil
    }
}
