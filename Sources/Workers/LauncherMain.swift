import CShims
import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar

/// How a program starts its launcher: by the name that `CShims/early.c` looks for, before main.
package enum LauncherProcess {
    package static let name = "swiftpod-launcher"
    /// The first argument where the launcher is the `swiftpod` binary, whose main looks for it.
    package static let word = "__launcher"
    /// Both sides must speak the same; a program may be given another version's binary as its launcher.
    package static let version = "1"
    /// Where the launcher finds its end of the connection.
    package static let socket: Int32 = 3

    /// Arguments after the name.
    package static func arguments(_ options: [String]) -> [String] { [version] + options }

    /// Serves the program at the other end of the socket till that is gone. `arguments` are ``arguments(_:)``.
    package static func run(_ arguments: [String]) -> Never {
        setsid()
        signal(SIGPIPE, SIG_IGN)
        name.withCString { _ = swiftpod_prctl(PR_SET_NAME, UInt(bitPattern: $0), 0, 0, 0) }
        swiftpod_close_from(UInt32(socket) + 1)
        _ = swiftpod_fcntl(socket, F_SETFD, Int(FD_CLOEXEC))
        do {
            guard arguments.first == version else {
                throw WorkerFault(
                    code: "unsupported",
                    message: "start launcher: this program and its library are of different versions")
            }
            var globals = GlobalOptions()
            _ = try globals.parseLeading(arguments.dropFirst())
            let server = try LaunchServer(globals, socket: socket)
            server.run()
        } catch {
            try? Frame.send(JSON(members: ["fatal": WorkerFault(error).json]), over: socket)
        }
        _exit(0)
    }
}

/// The launcher's main. A C function, so that what looks for it need not know Swift; never called from Swift.
@_cdecl("swiftpod_launcher_main")
package func launcherMain(_ count: Int32, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) {
    LauncherProcess.run((1..<Int(count)).map { words[$0].map { String(cString: $0) } ?? "" })
}
