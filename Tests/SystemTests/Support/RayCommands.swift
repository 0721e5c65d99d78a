import Foundation
import RayCommandLines
import Testing

/// What a fake worker wrote down.
struct Facts: CustomStringConvertible {
    var lines: [(name: String, value: String)]

    init(_ text: String) {
        lines = text.split(separator: "\n").compactMap { line in
            guard let cut = line.firstIndex(of: "=") else { return nil }
            return (String(line[..<cut]), String(line[line.index(after: cut)...]))
        }
    }

    subscript(_ name: String) -> String { lines.first { $0.name == name }?.value ?? "" }
    func all(_ name: String) -> [String] { lines.filter { $0.name == name }.map(\.value) }
    var isWhole: Bool { lines.contains { $0.name == "end" } }
    var description: String { lines.map { "\($0.name)=\($0.value)" }.joined(separator: "\n") }
}

extension Pod {
    /// Ray's directory on the host, and its token.
    func prepareRay() {
        makeDirectory("ray")
        write("token", "secret")
    }

    /// A command line of Ray's; the binary goes by the name of podman.
    func ray(_ options: [String], _ image: String = "ray", fake: String = "exit 0", more: [String] = []) -> Command {
        rayCommand(["run"] + options + ["--env", "FAKE=" + fake] + more + Ray.tail("localhost/\(image):latest"))
    }

    /// As the raylet's child would be: `{raylet}` is this process.
    func rayCommand(_ words: [String], raylet: String = "\(getpid())") -> Command {
        var command = self.command(Ray.filled(words, tmp: files + "/ray", token: files + "/token", raylet: raylet))
        if !Machine.isPodman, let index = command.words.firstIndex(of: binary) {
            command.words[index] = directory + "/bin/podman"
        }
        return command
    }

    /// Ids of all containers, running or not.
    var containers: [String] { self("ps", "-aq", "--no-trunc").lines }
}

extension Machine {
    /// A private network takes a tool that a machine may lack; the host's then.
    static let defaultNetwork: [String] =
        isPodman || ["pasta", "slirp4netns"].contains(where: Machine.has) ? [] : ["--network=host"]
}
