import Foundation
import Testing

/// What podman says to its runtime in words that are crun's and not the specification's.
@Suite(.needs(.swiftpod), .needs(.program("busybox")), .needs(.root)) struct CrunWordsTests {
    /// `--volume DIR:/m:idmap=...`, of the file system's owners to those that are seen.
    @Test(arguments: [
        ("idmap=uids=5-7-1;gids=6-8-1", "7:8"), ("idmap=uids=0-100-10;gids=0-200-10", "105:206"),
        // The numbers of a container whose user namespace begins at 200000.
        ("idmap=uids=@5-7-1;gids=@6-8-1", "7:8"), ("ridmap=uids=1-1-1#5-200009-1;gids=6-200000-1", "9:0"),
    ])
    func ownersAreMapped(option: String, seen: String) throws {
        let bundle = try RuntimeBundle(.root, "stat -c %u:%g /m/file")
        Machine.tool("chown", "5:6", bundle.outside + "/file")
        bundle.mount("/m", "bind", bundle.outside, ["bind", option])
        if option.contains("@") || option.hasPrefix("r") {
            let own = bundle.config["linux"] as? [String: Any] ?? [:]
            let namespaces = own["namespaces"] as? [[String: String]] ?? []
            let ids = [["containerID": 0, "hostID": 200_000, "size": 1000]]
            bundle.change(
                "linux",
                ["namespaces": namespaces + [["type": "user"]], "uidMappings": ids, "gidMappings": ids])
            Machine.tool("chown", "-R", "200000:200000", bundle.rootfs)
            chmod(bundle.directory, 0o755)
        }
        let out = bundle.run()
        #expect(out.text == seen, "\(out)")
        #expect(bundle.isClean)
    }

    @Test(arguments: ["idmap=", "idmap=uids=1-2", "idmap=uids=1-2-0", "idmap=uids=+1-2-3", "idmap=ids=1-2-3"])
    func whatIsNoMapping(option: String) throws {
        let bundle = try RuntimeBundle()
        bundle.mount("/m", "bind", bundle.outside, ["bind", option])
        expectOneLine(bundle.run(), "mount on /m: option .* must be uids=")
        #expect(bundle.isClean)
    }

    /// `--group-add keep-groups`; without it the caller's groups are nobody's in there (2022-2989).
    @Test func theCallersGroupsAreKept() throws {
        let bundle = try RuntimeBundle()
        bundle.config["annotations"] = ["run.oci.keep_original_groups": "1"]
        bundle.change("process", ["args": ["/bin/id", "-G"]])
        let before = ["setpriv", "--groups", "10,20"]
        #expect(bundle.run(before: before).text == "0 10 20")
        bundle.change("process", ["args": ["/bin/sleep", "100"]])
        #expect(bundle.runtime("run", "--detach", bundle.id).code == 0)
        #expect(bundle.runtime("exec", bundle.id, "/bin/id", "-G", before: before).text == "0 10 20")
    }
}
