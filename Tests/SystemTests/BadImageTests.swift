import Foundation
import Testing

/// Images made to harm: each is refused with one line, or loaded without harm, and leaves nothing half-made.
@Suite struct BadImageTests {
    @Test(arguments: Account.all) func refused(_ account: Account) throws {
        try Pod.with(account) { pod in
            let directory = try Self.make(pod)
            let before = pod("images", "--no-trunc").out
            #expect(pod("rm", "-a").ok)
            let size = pod.storeSize()
            for name in try FileManager.default.contentsOfDirectory(atPath: directory + "/refused").sorted() {
                let output = pod("load", "-i", directory + "/refused/" + name)
                if Machine.isPodman {
                    if output.code == 0 { print("podman loads \(name)") }
                    continue
                }
                #expect(output.code == 125, "\(name): \(output)")
                expectOneLine(output, ".", "\(name): \(output)")
                #expect(pod("images", "--no-trunc").out == before, "\(name) left an image")
            }
            if !Machine.isPodman {
                #expect(pod.storeSize() - size < 300_000, "what was refused takes no room: \(pod.storeSize() - size)")
            }
            #expect(pod("run", "--rm", "--network=none", Pod.tiny, "true").ok)
        }
    }

    @Test(arguments: Account.all) func escapes(_ account: Account) throws {
        try Pod.with(account) { pod in
            let directory = try Self.make(pod)
            let victim = pod.files + "/victim"
            for file in try FileManager.default.contentsOfDirectory(atPath: directory + "/escapes").sorted() {
                let name = String(file.dropLast(4))
                let output = pod("load", "-i", directory + "/escapes/" + file)
                if output.code == 0 {
                    let ran = pod("run", "--rm", "--network=none", "localhost/\(name):latest", "/bin/sh", "-c", "true")
                    #expect(ran.ok, "\(name): what was loaded can be run: \(ran)")
                } else {
                    #expect(output.code == 125, "\(name): \(output)")
                    expectOneLine(output, ".", "\(name): \(output)")
                }
                let inside = try FileManager.default.contentsOfDirectory(atPath: victim)
                #expect(inside == ["secret"], "\(name): something came out")
                #expect(pod.read("victim/secret") == "secret\n", "\(name): it was written")
            }
            var status = stat()
            stat(victim + "/secret", &status)
            #expect(status.st_mode & 0o7777 == 0o644 && status.st_nlink == 1)
        }
    }

    /// What a layer's link points to is looked up inside the container, never outside.
    @Test(arguments: Account.all) func mountsOverLinks(_ account: Account) throws {
        try Pod.with(account) { pod in
            let victim = pod.makeDirectory("outside")
            pod.write("given", "given\n")
            let id = pod(
                "create", "--network=none", Pod.tiny, "sh", "-c", "ln -s \(victim) /trap; mkdir /d; ln -s / /d/up"
            ).text
            #expect(pod("start", "-a", id).ok)
            let output = pod(
                "run", "--rm", "--network=none", "-v", "\(pod.files)/given:/var/link/given", Pod.tiny, "sh", "-c",
                "cat /var/link/given")
            #expect(output.text == "given")
            let inside = try FileManager.default.contentsOfDirectory(atPath: victim)
            #expect(inside.isEmpty)
        }
    }

    private static func make(_ pod: Pod) throws -> String {
        let victim = pod.makeDirectory("victim")
        pod.write("victim/secret", "secret\n")
        let directory = pod.makeDirectory("malformed")
        let made = Machine.tool("python3", Machine.images + "/malformed.py", directory, victim)
        guard made.ok else { throw Failure("malformed.py: \(made)") }
        return directory
    }
}
