import OptionGrammar
import ContainerEngine
import Glibc
import ImageStore
import LinuxKernel
import OCISpec
import Workers

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
        let layout = DataLayout(data: settings.dataRoot, runtime: settings.runtimeRoot)
        let treeKind = settings.treeKind
        settings.pull = { (name, platform, policy) throws(EngineError) in
            do throws(CommandError) {
                let store: ImageStore
                do throws(StoreError) {
                    store = try ImageStore(root: layout.data, treeKind: treeKind)
                } catch { throw CommandError(error.message) }
                try ImagePull(showing: registry, into: store).bring(name, platform: platform, policy: policy)
            } catch { throw EngineError(.failed, error.message, cause: error) }
        }
        engine = try Engine(settings)
    }
}

/// Prints warnings, unless `--log-level` is above them.
func warner(_ globals: GlobalOptions) -> (String) -> Void {
    let isSilent = globals.logLevel > .warning
    return { message in
        if !isSilent { try? writeAll(2, Array("Warning: \(message)\n".utf8)) }
    }
}
