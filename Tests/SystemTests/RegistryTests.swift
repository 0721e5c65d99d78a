import Foundation
import Testing

/// `pull`, `login`, `logout` and `run` of what is not here yet, from real registries on loopback.
@Suite(.needs(.program("docker-registry")), .needs(.program("skopeo"))) struct RegistryTests {
    static let insecure = "--tls-verify=false"

    @Test(arguments: Account.all) func pulling(_ account: Account) throws {
        let registry = try Registry.shared.get()
        try Pod.with(account, "none") { pod in
            var digest = ""
            for name in ["tiny", "docker", "zstd", "plain", "many", "torture"] {
                let reference = "\(registry.host)/tests/\(name):latest"
                let pulled = pod("pull", Self.insecure, reference)
                #expect(pulled.ok && pulled.text.wholeMatch(of: /[0-9a-f]{64}/) != nil, "\(pulled)")
                if !Machine.isPodman { #expect(pulled.err.isEmpty, "silent where stderr is no terminal: \(pulled)") }
                #expect(pod("image", "exists", reference).ok)
                let ran = pod("run", "--rm", "--network=none", reference, "cat", "/etc/os-release")
                #expect(ran.out.hasPrefix("ID=tiny"), "\(ran)")
                #expect(pod("pull", Self.insecure, reference).text == pulled.text, "again is no error")
                // Now, since other manifests of the same configuration are the same image, which then has their digest.
                if name == "tiny" { digest = pod("image", "inspect", "--format", "{{.Digest}}", reference).text }
            }
            #expect(pod("rmi", "-a", "-f").ok)
            let byDigest = pod("pull", Self.insecure, "\(registry.host)/tests/tiny@\(digest)")
            #expect(byDigest.ok, "\(byDigest)")
            #expect(
                pod("run", "--rm", "--network=none", "\(registry.host)/tests/tiny@\(digest)", "true").ok, "is there")
            #expect(pod("pull", "-q", Self.insecure, "\(registry.host)/tests/tiny").ok)
        }
    }

    @Test(arguments: Account.all) func runPullsWhatIsMissing(_ account: Account) throws {
        let registry = try Registry.shared.get()
        try Pod.with(account, "none") { pod in
            let name = "\(registry.host)/tests/tiny"
            #expect(pod("run", "--rm", "--network=none", "--pull=never", name, "true").code == 125)
            let first = pod("run", "--rm", "--network=none", Self.insecure, name, "echo", "pulled")
            #expect(first.text == "pulled" && first.code == 0, "\(first)")
            for policy in ["missing", "always", "newer"] {
                let again = pod(
                    "run", "--rm", "--network=none", Self.insecure, "--pull=\(policy)", name, "echo", policy)
                #expect(again.text == policy, "\(again)")
            }
            #expect(pod("run", "--rm", "--pull=sometimes", name, "true").code == 125)
            let quiet = pod(
                "run", "--rm", "--network=none", "-q", Self.insecure, "\(registry.host)/tests/docker", "true")
            #expect(quiet.ok && quiet.err.isEmpty && quiet.out.isEmpty, "\(quiet)")
        }
    }

    @Test(arguments: Account.all) func whatIsNotThere(_ account: Account) throws {
        let registry = try Registry.shared.get()
        let closed = try freePort()
        try Pod.with(account, "none") { pod in
            for name in [
                "\(registry.host)/tests/nothing:latest", "\(registry.host)/tests/tiny:nothing",
                "127.0.0.1:\(closed)/x:y",
            ] {
                let output = pod("pull", Self.insecure, name)
                #expect(output.code == 125, "\(output)")
                expectOneLine(output, name.hasPrefix("127.0.0.1:\(closed)") ? "refused" : "nothing")
                let run = pod("run", "--rm", Self.insecure, name, "true")
                #expect(run.code == 125)
            }
            let zeros = String(repeating: "0", count: 64)
            #expect(pod("pull", Self.insecure, "\(registry.host)/tests/tiny@sha256:\(zeros)").code == 125)
            let plain = pod("pull", "\(registry.host)/tests/tiny")
            #expect(plain.code == 125, "HTTPS is asked for where nothing else was said: \(plain)")
            #expect(pod("images", "-q").text.isEmpty)
        }
    }

    @Test(arguments: Account.all) func platforms(_ account: Account) throws {
        let registry = try Registry.shared.get()
        try Pod.with(account, "none") { pod in
            let name = "\(registry.host)/tests/index:latest"
            #expect(pod("pull", "-q", Self.insecure, name).ok)
            #expect(
                pod("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", name).text
                    == "linux/\(Self.architecture)")
            for platform in ["linux/arm64", "linux/arm/v7", "linux/s390x"] {
                let pulled = pod("pull", "-q", Self.insecure, "--platform=\(platform)", name)
                #expect(pulled.ok, "\(pulled)")
                let got = pod("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", name).text
                #expect(platform.hasPrefix(got), "\(platform): \(got)")
            }
            let none = pod("pull", "-q", Self.insecure, "--platform=linux/mips", name)
            #expect(none.code == 125)
            expectOneLine(none, "mips")
        }
    }

    static let architecture: String = Machine.tool("uname", "-m").text == "aarch64" ? "arm64" : "amd64"

    @Test(arguments: Account.all) func passwords(_ account: Account) throws {
        let registry = try Registry(user: "ana", password: "s3cret pass")
        try registry.push(
            "oci-archive:\(Machine.archives)/tiny.tar", "private/tiny:latest", "--dest-creds", "ana:s3cret pass")
        try Pod.with(account, "none") { pod in
            let name = "\(registry.host)/private/tiny"
            let refused = pod("pull", Self.insecure, name)
            #expect(refused.code == 125)
            expectOneLine(refused, "unauthorized|authentication")
            let wrong = pod("login", Self.insecure, "-u", "ana", "-p", "wrong", registry.host)
            #expect(wrong.code == 125, "\(wrong)")
            expectOneLine(wrong, "unauthorized|invalid|password")
            let login = pod(
                "login", Self.insecure, "--username=ana", "--password-stdin", registry.host, input: "s3cret pass\n")
            #expect(login.text == "Login Succeeded!", "\(login)")
            #expect(pod("login", "--get-login", registry.host).text == "ana")
            #expect(pod("pull", "-q", Self.insecure, name).ok)
            let logout = pod("logout", registry.host)
            #expect(logout.ok, "\(logout)")
            #expect(pod("pull", "-q", Self.insecure, name).code == 125)
            #expect(pod("pull", "-q", Self.insecure, "--creds=ana:s3cret pass", name).ok)
            #expect(pod("logout", registry.host).code == 125, "not logged in")
            let file = pod.files + "/auth.json"
            #expect(pod("login", Self.insecure, "--authfile", file, "-u", "ana", "-p", "s3cret pass", registry.host).ok)
            #expect(pod.read("auth.json")?.contains(registry.host) == true)
            #expect(pod("pull", "-q", Self.insecure, name).code == 125)
            #expect(pod("pull", "-q", Self.insecure, "--authfile", file, name).ok)
            pod.environment["REGISTRY_AUTH_FILE"] = file
            #expect(pod("pull", "-q", Self.insecure, name).ok)
            pod.environment["REGISTRY_AUTH_FILE"] = nil
        }
    }

    /// Docker's own configuration, and a helper that keeps the secret.
    @Test(arguments: Account.all) func otherCredentials(_ account: Account) throws {
        let registry = try Registry(user: "ana", password: "secret")
        try registry.push(
            "oci-archive:\(Machine.archives)/tiny.tar", "private/tiny:latest", "--dest-creds", "ana:secret")
        try Pod.with(account, "none") { pod in
            let name = "\(registry.host)/private/tiny"
            pod.tool("mkdir", "-p", pod.directory + "/home/.docker")
            let configuration = pod.directory + "/home/.docker/config.json"
            let token = Data("ana:secret".utf8).base64EncodedString()
            pod.tool(
                "sh", "-c", "cat > '\(configuration)'",
                input: "{\"auths\": {\"\(registry.host)\": {\"auth\": \"\(token)\"}}}")
            let docker = pod("pull", "-q", Self.insecure, name)
            #expect(docker.ok, "\(docker)")
            pod.tool("rm", configuration)
            #expect(pod("pull", "-q", Self.insecure, name).code == 125)

            let helper = pod.makeDirectory("helpers") + "/docker-credential-tests"
            pod.write(
                "helpers/docker-credential-tests",
                "#!/bin/sh\nread host\necho \"$1 $host\" >> '\(pod.files)/asked'\n"
                    + "echo '{\"ServerURL\": \"\(registry.host)\", \"Username\": \"ana\", \"Secret\": \"secret\"}'\n",
                mode: 0o755)
            #expect(access(helper, X_OK) == 0)
            pod.environment["PATH"] = pod.files + "/helpers:" + Machine.path
            let auth = pod.write("helped.json", "{\"credHelpers\": {\"\(registry.host)\": \"tests\"}}")
            let helped = pod("pull", "-q", Self.insecure, "--authfile", auth, name)
            #expect(helped.ok, "\(helped)")
            #expect(pod.read("asked")?.contains("get \(registry.host)") == true)
            let broken = pod.write("broken.json", "{\"auths\": ")
            let unreadable = pod("pull", "-q", Self.insecure, "--authfile", broken, name)
            #expect(unreadable.code == 125)
            expectOneLine(unreadable, "broken.json")
            let missing = pod("pull", "-q", Self.insecure, "--authfile", pod.files + "/no.json", name)
            #expect(missing.code == 125)
        }
    }

    @Test(arguments: Account.all) func encrypted(_ account: Account) throws {
        let registry = try Registry(tls: true)
        try registry.push("oci-archive:\(Machine.archives)/tiny.tar", "tests/tiny:latest")
        try Pod.with(account, "none") { pod in
            let name = "\(registry.host)/tests/tiny"
            let unknown = pod("pull", "-q", name)
            #expect(unknown.code == 125)
            expectOneLine(unknown, "certificate")
            #expect(pod("pull", "-q", Self.insecure, name).ok, "unverified")
            let certificates = pod.files + "/certs"
            pod.tool("mkdir", certificates)
            pod.tool("cp", registry.directory + "/ca.crt", certificates + "/ca.crt")
            #expect(pod("rmi", "-a", "-f").ok)
            let given = pod("pull", "-q", "--cert-dir", certificates, name)
            #expect(given.ok, "\(given)")
            #expect(pod("rmi", "-a", "-f").ok)
            if !account.isRoot {
                let own = pod.directory + "/home/.config/containers/certs.d/\(registry.host)"
                pod.tool("mkdir", "-p", own)
                pod.tool("cp", registry.directory + "/ca.crt", own + "/ca.crt")
                let found = pod("pull", "-q", name)
                #expect(found.ok, "\(found)")
            }
            let elsewhere = pod("pull", "-q", "--cert-dir", certificates, "localhost:\(registry.port)/tests/tiny")
            #expect(elsewhere.ok, "the certificate names localhost too: \(elsewhere)")
        }
    }

    /// registries.conf: short names, mirrors, insecure ones, blocked ones.
    @Test(arguments: Account.all) func registriesConfiguration(_ account: Account) throws {
        let registry = try Registry.shared.get()
        try Pod.with(account, "none") { pod in
            let path = pod.write(
                "registries.conf",
                """
                unqualified-search-registries = ["\(registry.host)"]
                [aliases]
                "nick" = "\(registry.host)/tests/tiny"
                [[registry]]
                prefix = "example.invalid"
                location = "\(registry.host)/tests"
                insecure = true
                [[registry]]
                location = "\(registry.host)"
                insecure = true
                [[registry]]
                location = "mirrored.invalid"
                [[registry.mirror]]
                location = "\(registry.host)"
                insecure = true
                [[registry]]
                location = "blocked.invalid"
                blocked = true

                """)
            pod.environment["CONTAINERS_REGISTRIES_CONF"] = path
            for name in [
                "example.invalid/tiny", "nick", "tests/many", "mirrored.invalid/tests/tiny",
                "\(registry.host)/tests/plain",
            ] {
                let pulled = pod("pull", "-q", name)
                #expect(pulled.ok, "\(pulled)")
            }
            #expect(pod("image", "exists", "mirrored.invalid/tests/tiny").ok)
            let blocked = pod("pull", "-q", "blocked.invalid/x")
            #expect(blocked.code == 125)
            expectOneLine(blocked, "blocked")
        }
    }
}
