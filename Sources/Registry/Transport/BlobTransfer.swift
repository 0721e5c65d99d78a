#if Registry
import NIOCore
import OCISpec

/// Brings one blob over, in as many pieces as the network makes of it.
struct BlobTransfer: Sendable {
    let puller: ImagePuller
    let descriptor: ContentDescriptor
    /// The unpacked layer's digest; nil for a configuration.
    let diffID: Digest?

    private var session: RegistrySession { puller.session }
    private var options: PullOptions { puller.options }
    private var subject: String { "\(puller.reference.name)@\(descriptor.digest)" }

    /// So many bytes since the last failure make up for it: a large layer over a bad line may take many attempts.
    private static let progressThreshold: Int64 = 4 << 20

    func run() async throws(RegistryError) {
        var restarted = false
        while true {
            let receiver = try await begin()
            let resumed = receiver.offset > 0
            do throws(TransferError) {
                try await transfer(into: receiver)
                try await finish(receiver)
                return
            } catch {
                switch error {
                case .failed(let error): throw error
                case .corrupt(let reason):
                    try await puller.blocking { receiver.abandon() }
                    // What an earlier process left behind may have been bad: once more, from the start.
                    guard resumed, !restarted else { throw RegistryError(.invalid, "pull \(subject): \(reason)") }
                    restarted = true
                    options.progress(.retrying(reason: "pull \(subject): \(reason)", seconds: 0))
                }
            }
        }
    }

    /// Why a transfer ended early.
    private enum TransferError: Error {
        case failed(RegistryError)
        /// The bytes are wrong; the connection is not to blame.
        case corrupt(String)
    }

    private func begin() async throws(RegistryError) -> any BlobReceiver {
        let destination = puller.destination
        let (descriptor, diffID) = (self.descriptor, self.diffID)
        return try await puller.blocking {
            if let diffID { return try destination.beginLayer(descriptor, diffID: diffID) }
            return try destination.beginBlob(descriptor)
        }
    }

    private func finish(_ receiver: any BlobReceiver) async throws(TransferError) {
        let rejected: String?
        do throws(RegistryError) {
            rejected = try await puller.blocking { () throws -> String? in
                do {
                    try receiver.finish()
                    return nil
                } catch BlobRejection.corrupt(let reason) {
                    return reason
                }
            }
        } catch {
            throw .failed(error)
        }
        if let rejected { throw .corrupt(rejected) }
    }

    // MARK: Attempts

    private func transfer(into receiver: any BlobReceiver) async throws(TransferError) {
        var failures = 0
        while receiver.offset < descriptor.size {
            let before = receiver.offset
            let failure: TransportFailure
            do throws(AttemptError) {
                try await attempt(receiver)
                continue
            } catch {
                switch error {
                case .rejected(let error): throw error
                case .interrupted(let error): failure = error
                }
            }
            if receiver.offset - before >= BlobTransfer.progressThreshold { failures = 0 }
            guard failure.kind == .transient, failures < options.retries else { throw .failed(failure.error) }
            do throws(RegistryError) {
                try await session.pause(attempt: failures, after: failure.error)
            } catch {
                throw .failed(error)
            }
            failures += 1
        }
    }

    private enum AttemptError: Error {
        case rejected(TransferError)
        case interrupted(TransportFailure)

        static func failed(_ code: RegistryError.Code, _ message: String) -> AttemptError {
            .rejected(.failed(RegistryError(code, message)))
        }
    }

    /// One request, for what is missing. Returns when the blob is complete.
    private func attempt(_ receiver: any BlobReceiver) async throws(AttemptError) {
        let offset = receiver.offset
        let response = try await request(from: offset)
        // Bytes that a server sends although we have them.
        var surplus: Int64 = 0
        switch response.status {
        case 206 where offset > 0:
            guard let range = response.header("content-range").flatMap({ ContentRange($0) }), range.first <= offset
            else {
                throw .failed(.invalid, "pull \(subject): the server sends another part than it was asked for")
            }
            surplus = offset - range.first
        case 200:
            // No ranges here: it starts again, and we pass over what we have.
            surplus = offset
        case 416:
            throw .rejected(.corrupt("the server has less than the \(offset) bytes that we have"))
        default:
            let error = await RegistryError(refusedBy: response, action: "pull \(subject)")
            throw .rejected(.failed(error))
        }
        if let length = response.header("content-length").flatMap({ Int64($0) }),
            length > descriptor.size - offset + surplus
        {
            throw .rejected(
                .corrupt("the server sends \(length - surplus + offset) bytes, the manifest says \(descriptor.size)"))
        }
        try await receive(response, into: receiver, surplus: surplus)
        guard receiver.offset == descriptor.size else {
            let error = RegistryError(
                .network,
                "pull \(subject): the transfer ended at \(receiver.offset) of \(descriptor.size) bytes")
            throw .interrupted(TransportFailure(.transient, error))
        }
    }

    private func request(from offset: Int64) async throws(AttemptError) -> HTTPTransport.Response {
        let headers = offset > 0 ? [("Range", "bytes=\(offset)-")] : []
        let path = "/v2/\(puller.reference.repository)/blobs/\(descriptor.digest)"
        do throws(RegistryError) {
            let response = try await session.get(.path(path), headers: headers)
            guard response.status == 404 else { return response }
            // A foreign layer's bytes are somewhere else.
            for text in descriptor.urls {
                guard let url = RegistryURL(parsing: text), url.scheme == .https || session.insecure else { continue }
                let elsewhere = try await session.get(.url(url), headers: headers)
                if elsewhere.status == 200 || elsewhere.status == 206 { return elsewhere }
            }
            return response
        } catch {
            throw .rejected(.failed(error))
        }
    }

    private func receive(
        _ response: HTTPTransport.Response, into receiver: any BlobReceiver, surplus: Int64
    ) async throws(AttemptError) {
        var surplus = surplus
        do {
            for try await var buffer in response.body {
                let skipped = Int(min(surplus, Int64(buffer.readableBytes)))
                buffer.moveReaderIndex(forwardBy: skipped)
                surplus -= Int64(skipped)
                guard buffer.readableBytes > 0 else { continue }
                guard receiver.offset + Int64(buffer.readableBytes) <= descriptor.size else {
                    throw AttemptError.rejected(
                        .corrupt("the server sends more than the \(descriptor.size) bytes of the manifest"))
                }
                try buffer.withUnsafeReadableBytes { bytes in try write(bytes, to: receiver) }
                if diffID != nil { options.progress(.received(descriptor.digest, bytes: receiver.offset)) }
            }
        } catch let error as AttemptError {
            throw error
        } catch {
            throw .interrupted(TransportFailure(error, url: response.url))
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, to receiver: any BlobReceiver) throws(AttemptError) {
        do {
            try receiver.write(bytes)
        } catch BlobRejection.corrupt(let reason) {
            throw .rejected(.corrupt(reason))
        } catch {
            throw .failed(.storage, "pull \(subject): \(error)")
        }
    }
}
#endif
