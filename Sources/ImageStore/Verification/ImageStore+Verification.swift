import OCISpec

extension ImageStore {
    /// Everything that is wrong with the store, a line each; none in a whole store. Reads all of it.
    ///
    /// What no image refers to is not wrong: `collectGarbage` removes it. Trees can be looked into only with the
    /// privileges that they were built with.
    public func verify() throws(StoreError) -> [String] {
        try storing("verify store \(root)") {
            // Nothing goes while it is looked at.
            try prepare()
            let session = try IngestSession(layout)
            defer { _ = session }
            let verifier = StoreVerifier(store: self)
            try verifier.run()
            return verifier.findings
        }
    }
}
