import ContainerEngine
import OCISpec
import OptionGrammar
import Registry

/// An error on its way from the launcher to the program: the engine's code and words.
package struct WorkerFault: Error, Equatable, Sendable {
    /// `EngineError.Code`'s name.
    package var code: String
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Any error of the parts below.
    package init(_ error: any Error) {
        switch error {
        case let error as WorkerFault: self = error
        case let error as EngineError: self.init(code: error.code.name, message: error.message)
        // What could not be read is a mistake in what was asked.
        case let error as CommandError: self.init(code: EngineError.Code.invalid.name, message: error.message)
        case let error as DocumentError: self.init(code: EngineError.Code.invalid.name, message: error.description)
        default: self.init(code: EngineError.Code.failed.name, message: "\(error)")
        }
    }
}

extension WorkerFault: JSONDocument {
    package init(json: JSON) throws(DocumentError) {
        code = try json.required("code")
        message = try json.required("message")
    }

    package var json: JSON { JSON(members: ["code": .string(code), "message": .string(message)]) }
}
