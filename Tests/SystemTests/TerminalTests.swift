import Foundation
import Testing

/// Containers with a terminal: what they see of it, and what becomes of the caller's.
@Suite struct TerminalTests {
    /// Starts the words at a new terminal.
    static func at(
        _ pod: Pod, rows: UInt16 = 24, columns: UInt16 = 80, _ words: String...,
        body: (Terminal, RunningCommand) throws -> Void
    ) throws -> (Output, Terminal) {
        let terminal = try Terminal(rows: rows, columns: columns, for: pod.account)
        // The slave stays open, so that the modes can be asked for when everybody else has gone.
        let keep = open(terminal.path, O_RDWR | O_NOCTTY)
        defer { close(keep) }
        let before = terminal.modes
        let running = try pod.start(words, input: .terminal(terminal.path))
        try body(terminal, running)
        let output = running.finish(seconds: 30)
        #expect(terminal.modes == before, "the modes are what they were: \(words) \(terminal.screen)")
        return (output, terminal)
    }

    @Test(arguments: Account.all) func aShell(_ account: Account) throws {
        try Pod.with(account) { pod in
            let (output, terminal) = try Self.at(
                pod, rows: 33, columns: 101, "run", "-it", "--rm", "--network=none", Pod.tiny, "sh"
            ) { terminal, _ in
                #expect(terminal.shows("# "))
                #expect(!terminal.isCooked, "the keys go to the container unedited")
                terminal.type("echo $((6 * 7)); tty; stty size\r")
                #expect(terminal.shows("42\r\n/dev/pts/0\r\n33 101\r\n"), "\(terminal.screen)")
                terminal.type("echo TERM=$TERM; test -t 0 && test -t 1 && test -t 2 && echo all three\r")
                #expect(terminal.shows("TERM=xterm\r\nall three"), "\(terminal.screen)")
                terminal.resize(rows: 44, columns: 111)
                usleep(200_000)
                terminal.type("stty size\r")
                #expect(terminal.shows("44 111"), "\(terminal.screen)")
                terminal.type("exit 5\r")
            }
            #expect(output.code == 5)
            #expect(terminal.isCooked)
        }
    }

    @Test(arguments: Account.all) func keysAreSignalsInside(_ account: Account) throws {
        try Pod.with(account) { pod in
            let (output, _) = try Self.at(
                pod, "run", "-it", "--rm", "--network=none", Pod.tiny, "sh", "-c",
                "trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.05; done"
            ) { terminal, _ in
                #expect(terminal.shows("ready"))
                terminal.type("\u{3}")
                #expect(terminal.shows("interrupted"))
            }
            #expect(output.code == 7)
            let (suspended, _) = try Self.at(pod, "run", "-it", "--rm", "--network=none", Pod.tiny, "cat") {
                terminal, _ in
                usleep(400_000)
                terminal.type("line\r")
                #expect(terminal.shows("line\r\nline"))
                terminal.type("\u{4}")
            }
            #expect(suspended.code == 0)
        }
    }

    /// Every way out leaves the terminal as it was; `at` checks the modes.
    @Test(arguments: Account.all) func waysOut(_ account: Account) throws {
        try Pod.with(account) { pod in
            let (missing, _) = try Self.at(pod, "run", "-it", "--rm", "--network=none", Pod.tiny, "no-such-command") {
                _, _ in
            }
            #expect(missing.code == 127)
            let (killed, _) = try Self.at(
                pod, "run", "-it", "--name=k", "--network=none", Pod.tiny, "sh", "-c", "echo ready; sleep 60"
            ) {
                terminal, _ in
                #expect(terminal.shows("ready"))
                #expect(pod("kill", "k").ok)
            }
            #expect(killed.code == 137)
            let (signalled, _) = try Self.at(
                pod, "run", "-it", "--rm", "--network=none", Pod.tiny, "sh", "-c",
                "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"
            ) { terminal, running in
                #expect(terminal.shows("ready"))
                running.signal(SIGTERM)
            }
            #expect(signalled.code == 9)
        }
    }

    /// The first detach key and another: both are the container's, and so are all where there are no detach keys.
    @Test(arguments: ["ctrl-p,ctrl-q", "", "a,ctrl-]"]) func halfDetached(_ keys: String) throws {
        try Pod.with(.unprivileged) { pod in
            let typed = keys.isEmpty ? "\u{10}\u{11}" : keys == "a,ctrl-]" ? "ab" : "\u{10}x"
            let (output, _) = try Self.at(
                pod, "run", "-it", "--rm", "--network=none", "--detach-keys=\(keys)", Pod.tiny, "sh", "-c",
                "stty raw -echo; echo ready; dd bs=1 count=2 2>/dev/null | od -An -tx1"
            ) { terminal, _ in
                #expect(terminal.shows("ready"))
                terminal.type(typed)
                let bytes = typed.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
                #expect(terminal.shows(bytes), "\(terminal.screen)")
            }
            #expect(output.code == 0, "\(output)")
        }
    }

    @Test(arguments: Account.all) func detachKeys(_ account: Account) throws {
        try Pod.with(account) { pod in
            let (output, terminal) = try Self.at(
                pod, "run", "-it", "--name=d", "--network=none", Pod.tiny, "sh", "-c", "echo ready; sleep 60"
            ) { terminal, running in
                #expect(terminal.shows("ready"))
                terminal.type("\u{10}")
                usleep(100_000)
                terminal.type("\u{11}")
                #expect(eventually { !running.isRunning() })
            }
            #expect(output.code == 0, "\(output)")
            #expect(terminal.isCooked)
            #expect(pod.inspect("d", "{{.State.Status}}") == "running")
        }
    }

    @Test(arguments: Account.all) func exec(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background()
            let (output, terminal) = try Self.at(pod, rows: 20, columns: 70, "exec", "-it", id, "sh") { terminal, _ in
                #expect(terminal.shows("# "))
                terminal.type("stty size; tty\r")
                #expect(terminal.shows("20 70\r\n/dev/pts/0"), "\(terminal.screen)")
                terminal.resize(rows: 21, columns: 71)
                usleep(200_000)
                terminal.type("stty size\r")
                #expect(terminal.shows("21 71"), "\(terminal.screen)")
                terminal.type("exit 6\r")
            }
            #expect(output.code == 6)
            #expect(terminal.isCooked)
        }
    }

    @Test(arguments: Account.all) func withoutATerminalOutside(_ account: Account) throws {
        try Pod.with(account) { pod in
            let output = pod(
                "run", "--rm", "-t", "--network=none", Pod.tiny, "sh", "-c", "test -t 1 && echo tty; exit 3")
            #expect(output.out == "tty\r\n" && output.code == 3, "\(output)")
            let both = pod("run", "--rm", "-it", "--network=none", Pod.tiny, "sh", "-c", "test -t 0 && echo tty")
            #expect(both.out == "tty\r\n" && both.code == 0, "\(both)")
            let fed = pod(
                "run", "--rm", "-it", "--network=none", Pod.tiny, "sh", "-c", "read x; echo got $x", input: "typed\n")
            #expect(fed.out.contains("got typed"), "\(fed)")
            let detached = pod("run", "-dt", "--network=none", Pod.tiny, "sh", "-c", "tty; echo done").text
            #expect(pod("wait", detached).text == "0")
            #expect(pod("logs", detached).out.contains("done"))
            #expect(pod("logs", detached).out.contains("/dev/pts/0"))
        }
    }

    @Test(arguments: Account.all) func startAttached(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = pod("create", "-it", "--network=none", Pod.tiny, "sh").text
            let (output, _) = try Self.at(pod, "start", "-ai", id) { terminal, _ in
                #expect(terminal.shows("# "))
                terminal.type("echo $((40 + 2)); exit 4\r")
                #expect(terminal.shows("42"))
            }
            #expect(output.code == 4)
            let plain = pod("create", "-i", "--network=none", Pod.tiny, "cat").text
            let fed = pod("start", "-a", "-i", plain, input: "through\n")
            #expect(fed.text == "through", "\(fed)")
        }
    }

    /// As a person does it: a shell in tmux, the container in the shell, and the shell again.
    @Test(.needs(.program("tmux")), arguments: Account.all) func inTmux(_ account: Account) throws {
        try Pod.with(account) { pod in
            let socket = pod.files + "/tmux"
            func tmux(_ words: String...) -> Output {
                var command = Command(
                    words: account.prefix + ["tmux", "-S", socket, "-f", "/dev/null"] + words,
                    environment: pod.environment,
                    directory: pod.files)
                command.seconds = 20
                return command.run()
            }
            #expect(tmux("new-session", "-d", "-x", "100", "-y", "30", "env", "PS1=outer$ ", "/bin/sh").ok)
            defer { _ = tmux("kill-server") }
            func shows(_ text: String) -> Bool {
                eventually { tmux("capture-pane", "-p").out.contains(text) }
            }
            #expect(shows("outer$"))
            let words = pod.command(["run", "-it", "--rm", "--network=none", Pod.tiny, "sh"]).words
                .dropFirst(account.prefix.count).map { "'\($0)'" }.joined(separator: " ")
            _ = tmux("send-keys", words, "Enter")
            #expect(shows("/ #"), "\(tmux("capture-pane", "-p"))")
            _ = tmux("send-keys", "stty size; hostname; echo in$((1))side", "Enter")
            #expect(shows("30 100"))
            #expect(shows("in1side"))
            _ = tmux("split-window", "-v", "-l", "9", "sleep 60")
            _ = tmux("select-pane", "-t", "0")
            _ = tmux("send-keys", "-t", "0", "stty size", "Enter")
            #expect(eventually { tmux("capture-pane", "-p", "-t", "0").out.contains("20 100") })
            _ = tmux("send-keys", "-t", "0", "exit 3", "Enter")
            #expect(
                eventually {
                    tmux("capture-pane", "-p", "-t", "0").out.trimmingCharacters(in: .whitespacesAndNewlines).hasSuffix(
                        "\nouter$")
                })
            _ = tmux("send-keys", "-t", "0", "echo code=$?", "Enter")
            #expect(eventually { tmux("capture-pane", "-p", "-t", "0").out.contains("code=3") })
            _ = tmux("send-keys", "-t", "0", "echo typed in the outer shell", "Enter")
            #expect(
                eventually {
                    tmux("capture-pane", "-p", "-t", "0").out.contains("$ echo typed in the outer shell\ntyped in")
                },
                "the keys are shown again: \(tmux("capture-pane", "-p", "-t", "0"))")
        }
    }
}
