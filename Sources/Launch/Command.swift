import CShims
import LinuxKernel

/// What is executed at the end.
struct Command: Equatable, Sendable {
    /// The paths to try, in order.
    var candidates: [String]
    var arguments: [String]
    var environment: [String]

    init(arguments: [String], environment: [String]) throws(PlanError) {
        guard let name = arguments.first else { throw PlanError("no command: args is empty") }
        for text in arguments + environment where text.utf8.contains(0) {
            throw PlanError("a zero byte in the command or its environment")
        }
        candidates = Command.candidates(name, environment: environment)
        self.arguments = arguments
        self.environment = environment
    }

    /// One whose path is known.
    init(path: String, arguments: [String], environment: [String]) {
        candidates = [path]
        self.arguments = arguments
        self.environment = environment
    }

    /// In the plan of a command that is told later.
    static let told = Command(path: "", arguments: [], environment: [])

    /// As execvp(3) has it, with the container's PATH.
    private static func candidates(_ name: String, environment: [String]) -> [String] {
        if name.isEmpty || name.utf8.contains(UInt8(ascii: "/")) { return [name] }
        let variable = environment.last { $0.hasPrefix("PATH=") }.map { $0.dropFirst(5) }
        let path = variable ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return path.split(separator: ":", omittingEmptySubsequences: false).map {
            $0.isEmpty ? "./\(name)" : "\($0)/\(name)"
        }
    }
}

/// The command of a sandbox that waits for it: see ``become(_:toldOver:pagemap:whenReady:)``.
public struct SandboxCommand: Equatable, Sendable {
    private let command: Command
    /// stdin, stdout and stderr: the teller's descriptors; nil is /dev/null.
    private let streams: [Int32?]

    private var texts: [String] { command.candidates + command.arguments + command.environment }
    /// Of all texts, each with its zero.
    private var size: Int { texts.reduce(0) { $0 + $1.utf8.count + 1 } }

    /// Throws for what no command can be: no words, zero bytes, or more than 16 MiB in all.
    ///
    /// - Parameters:
    ///   - arguments: the program, as a path or to be found by PATH of `environment`, and its arguments.
    ///   - environment: `NAME=value`, all of them.
    public init(
        arguments: [String], environment: [String], input: Int32? = nil, output: Int32? = nil, error: Int32? = nil
    ) throws(PlanError) {
        command = try Command(arguments: arguments, environment: environment)
        streams = [input, output, error]
        guard size <= Int(SWIFTPOD_ORDER_LIMIT) else { throw PlanError("a command of \(size) bytes") }
    }

    /// Tells a sandbox its command, by the other end of the stream socket at which it waits.
    public func send(over socket: Int32) throws(SyscallError) {
        var order = swiftpod_order()
        order.size = UInt32(size)
        order.candidates = UInt32(command.candidates.count)
        order.arguments = UInt32(command.arguments.count)
        order.environment = UInt32(command.environment.count)
        var descriptors: [Int32] = []
        let places = streams.map { stream -> Int32 in
            guard let stream else { return -1 }
            descriptors.append(stream)
            return Int32(descriptors.count - 1)
        }
        order.streams = (places[0], places[1], places[2])
        var bytes = withUnsafeBytes(of: order) { Array($0) }
        bytes.reserveCapacity(bytes.count + size)
        for text in texts {
            bytes += text.utf8
            bytes.append(0)
        }
        try sendAll(socket, bytes, descriptors: descriptors)
    }
}
