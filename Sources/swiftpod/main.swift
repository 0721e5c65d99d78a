import SwiftPodCLI
commandMain()
