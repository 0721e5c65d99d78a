import SwiftPodCLI
import Testing

@Suite struct HelpTests {
    @Test func killsHelpInFull() {
        #expect(
            helpText(of: ["kill"]) == """
                Kill one or more running containers with a specific signal

                Usage:
                  swiftpod kill [options] CONTAINER [CONTAINER...]

                Examples:
                  swiftpod kill web
                  swiftpod kill --signal HUP web

                Options:
                  -a, --all            All containers
                      --cidfile FILE   Read the container's id from FILE
                  -l, --latest         The container created last
                  -s, --signal SIGNAL  What to send (default KILL)

                """)
    }

    @Test(arguments: [
        ["run"], ["create"], ["start"], ["exec"], ["ps"], ["logs"], ["stop"], ["kill"], ["wait"], ["rm"], ["inspect"],
        ["info"], ["version"], ["pull"], ["load"], ["save"], ["import"], ["images"], ["rmi"], ["tag"], ["untag"],
        ["login"], ["logout"], ["image", "inspect"], ["image", "exists"], ["image", "rm"], ["image", "ls"],
        ["container", "run"], ["container", "exists"], ["volume", "ls"], ["volume", "create"], ["volume", "rm"],
        ["volume", "inspect"],
    ])
    func everyVerbExplainsItself(words: [String]) {
        let text = helpText(of: words, program: "podman")
        #expect(text.contains("Usage:\n  podman \(words[0])"))
    }

    @Test func theProgramsHelpNamesItsCommands() {
        let text = helpText(of: [])
        for word in ["run", "container", "images", "login", "--root", "--cgroup-manager"] {
            #expect(text.contains("  \(word)") || text.contains(word))
        }
    }
}

@Suite struct ManPageTests {
    @Test func namesCommandsAndOptions() {
        let page = manPage("swiftpod")
        #expect(page.hasPrefix(".TH SWIFTPOD 1\n"))
        #expect(page.contains(".SS swiftpod run [options] IMAGE [COMMAND [ARG...]]\n"))
        #expect(page.contains("\\fB\\-e, \\-\\-env\\fR \\fINAME[=VALUE]\\fR\n"))
        #expect(page.contains(".SS swiftpod volume ls"))
    }
}
