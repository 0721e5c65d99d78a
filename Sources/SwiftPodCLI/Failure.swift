import OptionGrammar
import OCISpec
import ContainerEngine
import ImageStore
import Registry

/// What the user is told about any error, and the exit status for it: the only place that knows podman's codes.
func failure(_ error: any Error) -> CommandError {
    switch error {
    case let error as CommandError: error
    case let error as EngineError: CommandError(error.message, exitCode: exitCode(error.code))
    case let error as ForkedFailure: CommandError(error.message, exitCode: error.exitCode)
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

/// Runs work that starts threads in a child of its own; see ``inChild(describing:_:)``.
func inChild(_ work: () throws -> JSON) throws -> JSON {
    try inChild(
        describing: { error in
            let failure = failure(error)
            return ForkedFailure(failure.message, exitCode: failure.exitCode)
        }, work)
}
