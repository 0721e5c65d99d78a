import OCISpec
import YAML

/// Which containers a Ray Serve configuration asks for: the file that `serve deploy` takes.
///
/// All applications are read, and each deployment's own `ray_actor_options.runtime_env`; the older form of one application
/// at the top too. Whatever has nothing to do with containers is passed over.
public struct ServeConfiguration: Equatable, Sendable {
    /// One place in the file that asks for a container.
    public struct Use: Equatable, Sendable {
        /// The application's name; `default` where it has none, as Serve calls it.
        public var application: String
        /// nil for the application's own `runtime_env`.
        public var deployment: String?
        public var env: ContainerRuntimeEnv

        /// `whisper`, `whisper/Transcriber`.
        public var place: String { deployment.map { "\(application)/\($0)" } ?? application }
    }

    /// In the order of the file.
    public var uses: [Use] = []
    /// How many applications the file has, with containers or without.
    public var applications = 0

    /// Reads a configuration, YAML or JSON.
    /// - Throws: ``WorkerError`` with the code `.invalid`, saying what stands where.
    public init(yaml text: [UInt8]) throws(WorkerError) {
        do throws(DocumentError) {
            try self.init(json: try JSON(yaml: text))
        } catch {
            throw WorkerError(.invalid, "Serve configuration \(error.description)")
        }
    }

    init(json: JSON) throws(DocumentError) {
        guard json.members != nil else { throw DocumentError(reason: "is not a map") }
        if json["applications"] == nil, json["import_path"] != nil || json["runtime_env"] != nil {
            try add(application: json)
            return
        }
        guard let list = json["applications"]?.array else { throw DocumentError(reason: "has no list of applications") }
        do throws(DocumentError) {
            for (index, application) in list.enumerated() {
                do throws(DocumentError) { try add(application: application) } catch { throw error.within(index) }
            }
        } catch { throw error.within("applications") }
    }

    private mutating func add(application: JSON) throws(DocumentError) {
        applications += 1
        let name: String = try application.optional("name") ?? "default"
        if let env = try ServeConfiguration.env(of: application) {
            uses.append(Use(application: name, deployment: nil, env: env))
        }
        guard let deployments = application["deployments"], !deployments.isNull else { return }
        guard let list = deployments.array else { throw DocumentError(path: "deployments", reason: "is not a list") }
        do throws(DocumentError) {
            for (index, deployment) in list.enumerated() {
                do throws(DocumentError) { try add(deployment: deployment, of: name) } catch {
                    throw error.within(index)
                }
            }
        } catch { throw error.within("deployments") }
    }

    private mutating func add(deployment: JSON, of application: String) throws(DocumentError) {
        let name: String = try deployment.required("name")
        guard let options = deployment["ray_actor_options"], !options.isNull else { return }
        do throws(DocumentError) {
            guard let env = try ServeConfiguration.env(of: options) else { return }
            uses.append(Use(application: application, deployment: name, env: env))
        } catch { throw error.within("ray_actor_options") }
    }

    private static func env(of json: JSON) throws(DocumentError) -> ContainerRuntimeEnv? {
        guard json.members != nil else { throw DocumentError(reason: "is not a map") }
        guard let env = json["runtime_env"], !env.isNull else { return nil }
        do throws(DocumentError) {
            return try ContainerRuntimeEnv.find(in: env)
        } catch { throw error.within("runtime_env") }
    }
}
