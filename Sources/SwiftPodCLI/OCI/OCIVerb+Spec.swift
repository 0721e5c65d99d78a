import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar

extension OCIVerb {
    static let spec = OCIVerb(
        name: "spec", summary: "Write a specification to begin with", usage: "[OPTION...]",
        options: "bundle file rootless"
    ) { call in
        guard call.words.isEmpty else { throw CommandError("spec: takes no arguments", exitCode: 1) }
        let name = call.options.config ?? "config.json"
        let path = name.hasPrefix("/") ? name : "\(call.options.bundle)/\(name)"
        let text = OCIRuntime.specification(rootless: call.options.rootless).encoded(pretty: true)
        do {
            let file = try OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
            try file.writeAll(text + [0x0a])
        } catch { throw CommandError("write \(path): \(error)", exitCode: 1) }
        return 0
    }

    static let features = OCIVerb(
        name: "features", summary: "Print what this runtime and this kernel can do", usage: ""
    ) { call in
        guard call.words.isEmpty else { throw CommandError("features: takes no arguments", exitCode: 1) }
        try Output.write(String(decoding: OCIRuntime.features().encoded(pretty: true, indent: 2), as: UTF8.self) + "\n")
        return 0
    }
}
