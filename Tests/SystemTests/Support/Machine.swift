import Foundation
import Testing

/// Whom a command runs as.
enum Account: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case root
    case unprivileged
    /// Unprivileged and without a range of subordinate ids.
    case unprivilegedWithoutRange

    var testDescription: String { rawValue }

    /// Both, where the tests run as root; else the caller alone.
    static let all: [Account] = geteuid() == 0 ? [.root, .unprivileged] : [.unprivileged]
    static let rootOnly: [Account] = geteuid() == 0 ? [.root] : []
    static let unprivilegedOnly: [Account] = [.unprivileged]

    /// The user of the password file; nil for the caller itself.
    var userName: String? {
        guard geteuid() == 0 else { return nil }
        switch self {
        case .root: return nil
        case .unprivileged: return Machine.variable("SWIFTPOD_TEST_USER") ?? "swiftpodtest"
        case .unprivilegedWithoutRange: return Machine.variable("SWIFTPOD_TEST_BARE_USER") ?? "swiftpodbare"
        }
    }

    var uid: uid_t { userName.map { getpwnam($0)?.pointee.pw_uid ?? 65534 } ?? geteuid() }
    var gid: gid_t { userName.map { getpwnam($0)?.pointee.pw_gid ?? 65534 } ?? getegid() }
    var isRoot: Bool { uid == 0 }
    var login: String { String(cString: getpwuid(uid).pointee.pw_name) }

    /// First id and size of the subordinate range.
    var range: (first: Int, count: Int)? {
        let lines = (try? String(contentsOfFile: "/etc/subuid", encoding: .utf8))?.split(separator: "\n") ?? []
        for line in lines {
            let fields = line.split(separator: ":")
            if fields.count == 3, fields[0] == login || fields[0] == "\(uid)", let a = Int(fields[1]),
                let n = Int(fields[2])
            {
                return (a, n)
            }
        }
        return nil
    }

    /// The words before a command that make it run as this account.
    var prefix: [String] {
        guard let userName else { return [] }
        return ["/usr/bin/setpriv", "--reuid", userName, "--regid", "\(gid)", "--init-groups", "--"]
    }
}

/// Facts of this machine, and where the tests keep their things.
enum Machine {
    static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// Set where every test must run: what cannot then fails instead of being left out.
    static let mustRun = variable("SWIFTPOD_REQUIRE") == "1"

    /// The binary under test; podman's own, to check the tests themselves.
    static let binary: String = {
        if let path = variable("SWIFTPOD_BINARY") { return path }
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent().path
        for path in ["build/swiftpod", ".build/release/swiftpod", ".build/debug/swiftpod"]
        where access(root + "/" + path, X_OK) == 0 {
            return root + "/" + path
        }
        return root + "/build/swiftpod"
    }()

    /// The tests are being checked against podman.
    static let isPodman = binary.hasSuffix("/podman")

    static let images = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Images").path

    /// All that the tests make stands below; removed at the end. Every user can search it.
    static let scratch: String = {
        let parent = variable("SWIFTPOD_TEST_SCRATCH") ?? "/var/tmp"
        let prefix = "swiftpod-tests-"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        where name.hasPrefix(prefix) {
            if let pid = pid_t(name.dropFirst(prefix.count)), kill(pid, 0) != 0, errno == ESRCH {
                erase(parent + "/" + name)
            }
        }
        let path = parent + "/" + prefix + "\(getpid())"
        mkdir(path, 0o755)
        chmod(path, 0o755)
        atexit { erase(Machine.scratch) }
        return path
    }()

    /// Images that were made before, by name of archive.
    static let cache: String = {
        let parent =
            variable("SWIFTPOD_TEST_CACHE")
            ?? (geteuid() == 0 ? "/var/cache/swiftpod-tests" : NSHomeDirectory() + "/.cache/swiftpod-tests")
        _ = tool("mkdir", "-p", "-m", "755", parent)
        return parent
    }()

    /// The directory with every image of `images.py`, made when the script has changed.
    static let archives: String = {
        let script = images + "/images.py"
        let key = tool("sha256sum", script, "/bin/busybox").out.split(separator: "\n").map { $0.prefix(12) }
        let directory = cache + "/images-" + key.joined(separator: "-")
        if access(directory + "/complete", F_OK) != 0 {
            _ = tool("mkdir", "-p", directory)
            let made = tool("python3", script, "all", directory, seconds: 300)
            guard made.ok else { fatalError("cannot make the images: \(made)") }
            _ = FileManager.default.createFile(atPath: directory + "/complete", contents: nil)
        }
        return directory
    }()

    /// Directories of that name among the control groups.
    static func cgroups(named name: String) -> [String] {
        tool("find", "/sys/fs/cgroup", "-maxdepth", "5", "-type", "d", "-name", name).lines
    }

    static func has(_ program: String) -> Bool {
        (variable("PATH") ?? "/usr/bin:/bin").split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
            || access("/usr/sbin/" + program, X_OK) == 0
    }

    /// Runs a program of the machine as the caller.
    @discardableResult
    static func tool(_ words: String..., input: String? = nil, seconds: Double = 120) -> Output {
        var command = Command(words: words, environment: ["PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8"])
        command.seconds = seconds
        if let input { command.input = .text(input) }
        return command.run()
    }

    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Removes a tree, whoever owns its files.
    static func erase(_ path: String) {
        if geteuid() == 0 {
            tool("rm", "-rf", "--one-file-system", path)
        } else {
            tool("chmod", "-R", "u+rwX", path)
            tool("rm", "-rf", path)
            if access(path, F_OK) == 0 {
                tool("unshare", "--map-auto", "--map-root-user", "--setuid", "0", "rm", "-rf", path)
            }
        }
    }
}

/// A fact that a test depends on.
struct Fact: Sendable {
    let isTrue: Bool
    let sentence: String

    static func program(_ name: String) -> Fact {
        Fact(isTrue: Machine.has(name), sentence: "\(name) is not installed")
    }
    static let root = Fact(isTrue: geteuid() == 0, sentence: "not root")
    static let swiftpod = Fact(isTrue: !Machine.isPodman, sentence: "not of podman")
    static let bareUser = Fact(
        isTrue: geteuid() == 0 && getpwnam(Account.unprivilegedWithoutRange.userName ?? "") != nil,
        sentence: "no user without subordinate ids")
}

extension Trait where Self == ConditionTrait {
    /// Leaves the test out where the fact is missing, and says so; lets it fail where every test must run.
    static func needs(_ fact: Fact) -> Self {
        .enabled(if: fact.isTrue || (Machine.mustRun && fact.sentence != Fact.swiftpod.sentence), "\(fact.sentence)")
    }
}
