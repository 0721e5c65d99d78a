import LinuxKernel

/// The programs that connect a network namespace to the host's network without privileges.
package enum NetworkTool: String, Sendable {
    case pasta, slirp4netns

    /// The better one that is installed. pasta copies the host's addresses and is the faster.
    package static func installed() -> NetworkTool? {
        if HelperProgram(named: "pasta") != nil { return .pasta }
        if HelperProgram(named: "slirp4netns") != nil { return .slirp4netns }
        return nil
    }

    /// Its answer to name queries, which it passes to whatever the host's resolver is.
    package var nameServer: String {
        switch self {
        case .pasta: "169.254.1.1"
        case .slirp4netns: "10.0.2.3"
        }
    }

    package var packageName: String {
        switch self {
        case .pasta: "passt"
        case .slirp4netns: "slirp4netns"
        }
    }
}
