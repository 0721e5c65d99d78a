import OptionGrammar
import ContainerEngine
import ImageStore
import Registry

/// What the user is told about any error, and the exit status for it: the only place that knows podman's codes.
func failure(_ error: any Error) -> CommandError {
    switch error {
    case let error as CommandError: error
    case let error as EngineError: CommandError(error.message, exitCode: exitCode(error.code))
    default: CommandError("\(error)")
    }
}

private func exitCode(_ code: EngineError.Code) -> Int32 {
    switch code {
    case .cannotInvoke: 126
    case .commandNotFound: 127
    default: 125
    }
}
