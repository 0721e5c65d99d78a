import Foundation
import ImageStore
import LinuxKernel
import OCISpec
import Testing

/// `import`: tarballs of root file systems, and the Dockerfile instructions that describe a container.
@Suite struct ImportTests {
    static let rootfs = layer { tar in
        tar.directory("./")
        tar.file("./etc/os-release", "ID=test")
    }

    @Test(arguments: ["plain", "gzip", "zstd"]) func formats(_ format: String) throws {
        let fixture = try Fixture()
        var path = try fixture.write("rootfs.tar", Self.rootfs)
        if format != "plain" {
            _ = tool(format, "-q", path)
            path += format == "gzip" ? ".gz" : ".zst"
        }
        let image = try fixture.store.importRootfs(
            from: .path(path), name: try Reference(parsing: "localhost/made:1"), changes: ["CMD [\"/bin/sh\"]"],
            message: "a comment")
        #expect(image.names == ["localhost/made:1"] && image.layers == [SHA256.digest(of: Self.rootfs)])
        #expect(image.config.config.cmd == ["/bin/sh"] && image.config.platform == .host)
        let config = try fixture.store.configuration(of: image)
        #expect(config.history.count == 1 && config.history[0].comment == "a comment")
        #expect(config.created?.hasPrefix("20") == true && config.created?.hasSuffix("Z") == true)
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        #expect(try tree.readFile("etc/os-release") == Array("ID=test".utf8))
        #expect(try fixture.store.verify().isEmpty)
    }

    @Test func fromAPipe() throws {
        let fixture = try Fixture()
        let (reader, writer) = try OwnedDescriptor.pipe().release()
        let thread = Thread {
            try? writeAll(writer, Self.rootfs)
            close(writer)
        }
        thread.start()
        let image = try fixture.store.importRootfs(from: .descriptor(reader), name: nil)
        close(reader)
        #expect(image.names.isEmpty && image.size == 7)
    }

    @Test(arguments: [
        ("not a tarball at all\n", "cut short"), ("", "empty"),
        (String(repeating: "no tarball ", count: 100), "checksum"),
    ])
    func refused(_ content: String, _ reason: String) throws {
        let fixture = try Fixture()
        let path = try fixture.write("x", Array(content.utf8))
        let error = #expect(throws: StoreError.self) { try fixture.store.importRootfs(from: .path(path), name: nil) }
        #expect(error?.code == .corrupt && error?.message.contains(reason) == true, "\(error as Any)")
        #expect(try fixture.store.images().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.store.root + "/blobs/sha256").isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.store.root + "/tmp").isEmpty)
    }

    private func applied(_ changes: String...) throws -> ImageConfig.Execution {
        var execution = ImageConfig.Execution()
        for change in changes { try execution.apply(change) }
        return execution
    }

    @Test func commands() throws {
        #expect(try applied("CMD [\"a\", \"b c\"]").cmd == ["a", "b c"])
        #expect(try applied("cmd echo $HOME").cmd == ["/bin/sh", "-c", "echo $HOME"])
        #expect(try applied("CMD=/bin/true").cmd == ["/bin/sh", "-c", "/bin/true"])
        #expect(try applied("ENTRYPOINT [\"/x\"]", "ENTRYPOINT []").entrypoint == [])
    }

    @Test func pairs() throws {
        #expect(
            try applied("ENV A=1 B=\"two words\" C=it\\ is D='x=y'").env == ["A=1", "B=two words", "C=it is", "D=x=y"])
        #expect(try applied("ENV A several words", "ENV A=2", "ENV E=").env == ["A=2", "E="])
        #expect(try applied("ENV A several words").env == ["A=several words"])
        #expect(try applied("LABEL a.b=c \"d\"=\"e f\"").labels == ["a.b": "c", "d": "e f"])
    }

    @Test func theRest() throws {
        let made = try applied(
            "EXPOSE 80 53/udp", "EXPOSE 80/tcp 9000-9002", "USER app:33", "VOLUME /a /b", "VOLUME [\"/c d\"]",
            "WORKDIR /srv", "WORKDIR data", "STOPSIGNAL SIGRTMIN+3")
        #expect(made.exposedPorts == ["53/udp", "80/tcp", "9000-9002/tcp"])
        #expect(made.user == "app:33" && made.volumes == ["/a", "/b", "/c d"])
        #expect(made.workingDir == "/srv/data" && made.stopSignal == "SIGRTMIN+3")
    }

    @Test(arguments: [
        ("CMD", "not INSTRUCTION VALUE"), ("CMD [1]", "JSON"), ("CMD [\"a\"", "JSON"), ("ENV A", "NAME=VALUE"),
        ("ENV =1", "NAME=VALUE"), ("ENV A=1 B", "NAME=VALUE"), ("LABEL a=\"b", "quote"), ("EXPOSE http", "PORT"),
        ("EXPOSE 70000", "PORT"), ("EXPOSE 80/icmp", "PORT"), ("EXPOSE 90-80", "PORT"), ("USER a b", "one word"),
        ("VOLUME []", "no path"), ("STOPSIGNAL sig", "signal"), ("RUN make", "\"RUN\" is not supported"),
        ("ONBUILD CMD x", "\"ONBUILD\" is not supported"), ("HEALTHCHECK NONE", "not supported"),
    ])
    func badChanges(_ change: String, _ reason: String) throws {
        let error = #expect(throws: StoreError.self) { try applied(change) }
        #expect(error?.code == .invalid && error?.message.contains(reason) == true, "\(error as Any)")
    }
}
