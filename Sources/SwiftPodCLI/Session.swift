import OptionGrammar
import ContainerEngine
import Glibc
import ImageStore
import LinuxKernel
import OCISpec

/// What a verb works with once its words are read: the engine, the store, and a voice for warnings.
struct Session {
    let engine: Engine
    var store: ImageStore { engine.images }
    var volumes: VolumeStore { VolumeStore(root: engine.session.layout.volumes) }

    init(_ invocation: Invocation, registry: RegistryOptions = RegistryOptions()) throws {
        let warn = warner(invocation.globals)
        for warning in invocation.globals.warnings { warn(warning) }
        var settings = try EngineSettings(invocation.globals, caller: invocation.caller)
        settings.warn = warn
        settings.useDevices(invocation)
        let layout = DataLayout(data: settings.dataRoot, runtime: settings.runtimeRoot)
        let treeKind = settings.treeKind
        settings.pull = { (name, platform, policy) throws(EngineError) in
            do throws(CommandError) {
                let store: ImageStore
                do throws(StoreError) {
                    store = try ImageStore(root: layout.data, treeKind: treeKind)
                } catch { throw CommandError(error.message) }
                try PullProcess(store: store, options: registry, showsProgress: !registry.quiet)
                    .bring(name, platform: platform, policy: policy)
            } catch { throw EngineError(.failed, error.message, cause: error) }
        }
        engine = try Engine(settings)
    }
}

extension EngineSettings {
    /// Where devices are looked for.
    mutating func useDevices(_ invocation: Invocation) {
        if !invocation.globals.cdiDirectories.isEmpty {
            cdiDirectories = invocation.globals.cdiDirectories.map(invocation.caller.absolute)
        }
        // A made-up machine, to try discovery where there are no GPUs.
        if let root = invocation.caller.variable("SWIFTPOD_DEVICE_ROOT"), root.hasPrefix("/") { deviceRoot = root }
    }
}

/// Prints warnings, unless `--log-level` is above them.
func warner(_ globals: GlobalOptions) -> (String) -> Void {
    let isSilent = globals.logLevel > .warning
    return { message in
        if !isSilent { try? writeAll(2, Array("Warning: \(message)\n".utf8)) }
    }
}
