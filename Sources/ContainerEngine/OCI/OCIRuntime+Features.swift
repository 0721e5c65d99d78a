import Launch
import LinuxKernel
import OCISpec

extension OCIRuntime {
    /// What this runtime can do, as features.md of the specification describes it, whatever this kernel has of it.
    public static func features() -> JSON {
        JSON(members: [
            "ociVersionMin": "1.0.0", "ociVersionMax": .string(RuntimeSpec.version),
            "hooks": words("prestart createRuntime createContainer startContainer poststart poststop"),
            "mountOptions": .array(LaunchPlan.mountOptions.map(JSON.string)),
            "potentiallyUnsafeConfigAnnotations": words(keepGroupsAnnotation),
            "linux": JSON(members: [
                "namespaces": .array(RuntimeSpec.NamespaceKind.allCases.map(\.rawValue).sorted().map(JSON.string)),
                "capabilities": .array(Capability.names.map(JSON.string)),
                // Limits are refused where they cannot be had.
                "cgroup": ["v1": false, "v2": true, "systemd": true, "systemdUser": true, "rdma": true],
                "seccomp": seccomp, "apparmor": ["enabled": true], "selinux": ["enabled": true],
                "intelRdt": ["enabled": true, "schemata": true, "monitoring": true],
                "memoryPolicy": [
                    "modes": words(
                        "MPOL_DEFAULT MPOL_BIND MPOL_INTERLEAVE MPOL_WEIGHTED_INTERLEAVE MPOL_PREFERRED "
                            + "MPOL_PREFERRED_MANY MPOL_LOCAL"),
                    "flags": words("MPOL_F_NUMA_BALANCING MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES"),
                ],
                "mountExtensions": ["idmap": ["enabled": true]], "netDevices": ["enabled": true],
            ]),
        ])
    }

    private static var seccomp: JSON {
        let flags =
            "SECCOMP_FILTER_FLAG_TSYNC SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW "
            + "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
        return JSON(members: [
            "enabled": true,
            "actions": words(
                "SCMP_ACT_ALLOW SCMP_ACT_ERRNO SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_LOG "
                    + "SCMP_ACT_NOTIFY SCMP_ACT_TRACE SCMP_ACT_TRAP"),
            "operators": words(
                "SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_GT SCMP_CMP_LE SCMP_CMP_LT SCMP_CMP_MASKED_EQ SCMP_CMP_NE"),
            "archs": .array(SeccompDocument.architectures(of: SeccompPolicy.machine).map(JSON.string)),
            "knownFlags": words(flags), "supportedFlags": words(flags),
        ])
    }

    private static func words(_ text: String) -> JSON { .array(text.split(separator: " ").map { .string(String($0)) }) }
}
