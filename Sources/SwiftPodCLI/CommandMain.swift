import CShims
import ContainerEngine
import Glibc
import LinuxKernel
import OptionGrammar
import Workers

/// The whole program: reads the command line, does what it says, leaves by exit(3).
public func commandMain() -> Never {
    let started = monotonicNanoseconds()
    let arguments = commandLine()
    if arguments.count > 1, arguments[1] == LauncherProcess.word { LauncherProcess.run(Array(arguments.dropFirst(2))) }
    if let status = Engine.internalCommand(arguments) ?? HelloContainer.internalCommand(arguments) { exit(status) }
    if let words = OCIRule.words(arguments, caller: .process) { exit(runOCI(words, caller: .process)) }
    exit(run(arguments, caller: .process, started: started))
}

/// The process's own words.
private func commandLine() -> [String] {
    var words: [String] = []
    guard var word = swiftpod_arguments() else { return words }
    while let text = word.pointee {
        words.append(String(cString: text))
        word += 1
    }
    return words
}

/// One command line, from its words to an exit status.
func run(_ arguments: [String], caller: Caller, started: UInt64) -> Int32 {
    let program = arguments.first.map(programName) ?? "swiftpod"
    var invocation = Invocation(
        program: program, path: [], words: arguments.dropFirst(), globals: GlobalOptions(), caller: caller,
        started: started)
    do {
        return try dispatch(&invocation)
    } catch {
        return report(error, invocation)
    }
}

/// Drop-in under another name: what the program is called decides what it says about itself, nothing else.
private func programName(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return name == "podman" || name == "docker" ? "podman" : "swiftpod"
}

private func dispatch(_ invocation: inout Invocation) throws -> Int32 {
    var state = invocation.globals
    let words = try state.parseLeading(invocation.words)
    invocation.globals = state
    if state.showVersion {
        try Output.write(versionLine(invocation.program) + "\n")
        return 0
    }
    guard let (verb, path) = try VerbTable.find(words) else {
        invocation.path = [words[0]]
        throw HelpRequested()
    }
    invocation.path = path
    invocation.words = words.dropFirst(path.count)
    return try verb.run(&invocation)
}

/// Says what went wrong, once, and gives the exit status for it.
private func report(_ error: any Error, _ invocation: Invocation) -> Int32 {
    if error is HelpRequested {
        do {
            try Output.write(helpText(for: invocation))
            return 0
        } catch { return 125 }
    }
    if error is OutputClosed { return 0 }
    let failure = failure(error)
    if !failure.message.isEmpty { complain(failure.message) }
    return failure.exitCode
}

/// `Error: …` on stderr, in podman's form.
func complain(_ message: String) {
    try? writeAll(2, Array("Error: \(singleLine(message))\n".utf8))
}

/// Messages repeat what strangers wrote: a line stays a line, and no terminal is steered by it.
private func singleLine(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
        result.unicodeScalars.append(isControl ? " " : scalar)
    }
    return result
}
