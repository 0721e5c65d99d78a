import OCISpec
import Testing

@Suite struct RuntimeSpecTests {
    /// Every member that the types hold, in the order in which they are written.
    static let complete = """
        {"ociVersion":"1.3.0",\
        "process":{"terminal":true,"consoleSize":{"height":25,"width":80},\
        "user":{"uid":1,"gid":2,"umask":63,"additionalGids":[3,4294967295]},"args":["sh","-c",""],\
        "env":["A=b","A=c"],"cwd":"/w","capabilities":{"bounding":["CAP_CHOWN"],"effective":["CAP_KILL"],\
        "inheritable":["CAP_FOWNER"],"permitted":["CAP_SETUID"],"ambient":["CAP_SETGID"]},\
        "rlimits":[{"type":"RLIMIT_NOFILE","hard":18446744073709551615,"soft":1024}],"noNewPrivileges":true,\
        "apparmorProfile":"p","selinuxLabel":"l","oomScoreAdj":-500,"scheduler":{"policy":"SCHED_OTHER"},\
        "ioPriority":{"class":"IOPRIO_CLASS_IDLE","priority":7},"execCPUAffinity":{"initial":"0"}},\
        "root":{"path":"rootfs","readonly":true},"hostname":"h","domainname":"d",\
        "mounts":[{"destination":"/proc","type":"proc","source":"proc"},\
        {"destination":"/d","type":"bind","source":"/s","options":["rbind","ro"],\
        "uidMappings":[{"containerID":0,"hostID":1000,"size":1}],"gidMappings":[{"containerID":0,"hostID":1,"size":1}]}],\
        "hooks":{"prestart":[{"path":"/1","args":["a"],"env":["B=c"],"timeout":5}],"createRuntime":[{"path":"/2"}],\
        "createContainer":[{"path":"/3"}],"startContainer":[{"path":"/4"}],"poststart":[{"path":"/5"}],\
        "poststop":[{"path":"/6"}]},"annotations":{"k":"v"},\
        "linux":{"namespaces":[{"type":"pid"},{"type":"network","path":"/proc/1/ns/net"},{"type":"time"}],\
        "uidMappings":[{"containerID":0,"hostID":1000,"size":1},{"containerID":1,"hostID":100000,"size":65536}],\
        "gidMappings":[{"containerID":0,"hostID":1000,"size":1}],"timeOffsets":{"monotonic":{"secs":1}},\
        "devices":[{"type":"c","path":"/dev/fuse","major":10,"minor":229,"fileMode":438,"uid":0,"gid":0}],\
        "netDevices":{"eth0":{}},"cgroupsPath":"/a/b","resources":{"pids":{"limit":32},"x":1.5},\
        "rootfsPropagation":"slave","seccomp":{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,\
        "architectures":["SCMP_ARCH_X86_64"],"flags":["SECCOMP_FILTER_FLAG_LOG"],"listenerPath":"/l",\
        "listenerMetadata":"m","syscalls":[{"names":["clone"],"action":"SCMP_ACT_ALLOW","errnoRet":1,\
        "args":[{"index":0,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"},\
        {"index":1,"value":18446744073709551615,"valueTwo":9,"op":"SCMP_CMP_EQ"}]}]},\
        "sysctl":{"net.a":"1","net.b":"2"},"maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"],\
        "mountLabel":"ml","intelRdt":{"closID":"c"},"memoryPolicy":{"mode":"MPOL_BIND"},"personality":{"domain":"LINUX"}}}
        """

    @Test func readsAndWritesEveryMember() throws {
        let spec = try RuntimeSpec(parsing: Array(Self.complete.utf8))
        #expect(spec.json.text == Self.complete)
        #expect(try RuntimeSpec(parsing: spec.encoded(pretty: true)) == spec)
        #expect(spec.process?.rlimits == [.init(type: "RLIMIT_NOFILE", soft: 1024, hard: .max)])
        #expect(spec.process?.user.additionalGids == [3, .max])
        #expect(spec.linux?.namespaces.map(\.type) == [.pid, .network, .time])
        #expect(spec.linux?.seccomp?.syscalls[0].args[1].value == .max)
        #expect(spec.hooks?.poststop == [.init(path: "/6")])
    }

    @Test func writesNoEmptyMember() throws {
        var spec = RuntimeSpec()
        #expect(spec.json.text == #"{"ociVersion":"1.3.0"}"#)
        spec.process = .init()
        spec.process?.capabilities = .init()
        spec.linux = .init()
        #expect(
            spec.json.text
                == #"{"ociVersion":"1.3.0","process":{"user":{"uid":0,"gid":0},"cwd":"/","capabilities":{}},"linux":{}}"#
        )
        #expect(try RuntimeSpec(json: spec.json) == spec)
    }

    @Test func ignoresWhatItDoesNotKnow() throws {
        let text = #"{"ociVersion":"1.0.2","x":1,"windows":{},"process":{"cwd":"/","commandLine":"x"},"linux":null}"#
        let spec = try RuntimeSpec(parsing: Array(text.utf8))
        #expect(spec.process == .init())
        #expect(spec.linux == nil)
    }

    @Test func takesAnEmptyNamespacePathForNone() throws {
        let namespace = try RuntimeSpec.Namespace(parsing: Array(#"{"type":"uts","path":""}"#.utf8))
        #expect(namespace == .init(.uts))
    }

    static let flaws: [(String, String)] = [
        ("{}", "ociVersion is missing"),
        (#"{"process":{}}"#, "ociVersion is missing"),
        (#"{"ociVersion":"1.0.0","process":{}}"#, "process.cwd is missing"),
        (#"{"ociVersion":"1.0.0","process":{"cwd":"/","args":"sh"}}"#, "process.args is not an array"),
        (
            #"{"ociVersion":"1.0.0","process":{"cwd":"/","user":{"uid":-1}}}"#,
            "process.user.uid is out of range (0 to 4294967295)"
        ),
        (
            #"{"ociVersion":"1.0.0","process":{"cwd":"/","user":{"uid":4294967296}}}"#,
            "process.user.uid is out of range (0 to 4294967295)"
        ),
        (#"{"ociVersion":"1.0.0","process":{"cwd":"/","user":{"uid":1.0}}}"#, "process.user.uid is not an integer"),
        (#"{"ociVersion":"1.0.0","process":{"cwd":"/\u0000"}}"#, "process.cwd has a NUL character"),
        (
            #"{"ociVersion":"1.0.0","process":{"cwd":"/","rlimits":[{"type":"X","soft":1}]}}"#,
            "process.rlimits[0].hard is missing"
        ),
        (
            #"{"ociVersion":"1.0.0","process":{"cwd":"/","consoleSize":{"height":65536,"width":1}}}"#,
            "process.consoleSize.height is out of range (0 to 65535)"
        ),
        (#"{"ociVersion":"1.0.0","mounts":[{"source":"/a"}]}"#, "mounts[0].destination is missing"),
        (#"{"ociVersion":"1.0.0","root":{}}"#, "root.path is missing"),
        (#"{"ociVersion":"1.0.0","hooks":{"poststop":[{}]}}"#, "hooks.poststop[0].path is missing"),
        (
            #"{"ociVersion":"1.0.0","linux":{"namespaces":[{"type":"pid"},{"type":"uid"}]}}"#,
            #"linux.namespaces[1].type is "uid", which is no kind of namespace"#
        ),
        (
            #"{"ociVersion":"1.0.0","linux":{"uidMappings":[{"containerID":0,"hostID":0}]}}"#,
            "linux.uidMappings[0].size is missing"
        ),
        (
            #"{"ociVersion":"1.0.0","linux":{"devices":[{"type":"x","path":"/dev/x"}]}}"#,
            #"linux.devices[0].type is "x", not c, b, u or p"#
        ),
        (#"{"ociVersion":"1.0.0","linux":{"seccomp":{}}}"#, "linux.seccomp.defaultAction is missing"),
        (
            #"{"ociVersion":"1.0.0","linux":{"seccomp":{"defaultAction":"x","syscalls":[{"action":"y"}]}}}"#,
            "linux.seccomp.syscalls[0].names is missing or empty"
        ),
        (#"{"ociVersion":"1.0.0","linux":{"sysctl":{"a":1}}}"#, "linux.sysctl.a is not a string"),
    ]

    @Test(arguments: flaws) func saysWhatIsWrong(text: String, message: String) {
        let error = #expect(throws: DocumentError.self) { try RuntimeSpec(parsing: Array(text.utf8)) }
        #expect(error?.description == message)
    }
}
