import Foundation
import SwiftPod
import Testing

@Suite struct RuntimeEnvTests {
    @Test(arguments: [
        "{\"image\": \"i\", \"worker_path\": \"/w.py\", \"run_options\": [\"--rm\"]}",
        "{\"container\": {\"image\": \"i\", \"worker_path\": \"/w.py\", \"run_options\": [\"--rm\"]}, \"env_vars\": {}}",
        "{\"swiftpod\": {\"image\": \"i\", \"worker_path\": \"/w.py\", \"run_options\": [\"--rm\"]}}",
    ])
    func containerObjects(text: String) throws {
        let expected = ContainerRuntimeEnv(image: "i", workerPath: "/w.py", runOptions: ["--rm"])
        #expect(try ContainerRuntimeEnv(json: text) == expected)
        #expect(try JSONDecoder().decode(ContainerRuntimeEnv.self, from: Data(text.utf8)) == expected)
    }

    @Test(arguments: ["{\"image_uri\": \"i\"}", "{\"image\": \"i\", \"worker_path\": \"\"}", "{\"image\": \"i\"}"])
    func imageAlone(text: String) throws {
        #expect(try ContainerRuntimeEnv(json: text) == ContainerRuntimeEnv(image: "i"))
        let decoded = try JSONDecoder().decode(ContainerRuntimeEnv.self, from: Data(text.utf8))
        #expect(decoded == ContainerRuntimeEnv(image: "i"))
        #expect(try JSONDecoder().decode(ContainerRuntimeEnv.self, from: JSONEncoder().encode(decoded)) == decoded)
    }

    @Test(arguments: [
        ("{}", "has no image"), ("[]", "is not an object"), ("{", "is not valid JSON"),
        ("{\"container\": {}}", "container.image is missing"), ("{\"image\": 5}", "image is not a string"),
        ("{\"container\": {\"image\": \"\"}}", "container.image is empty"),
        ("{\"image_uri\": \"i\", \"container\": {\"image\": \"i\"}}", "more than one container"),
        ("{\"image\": \"i\", \"run_option\": []}", "run_option is not image, worker_path or run_options"),
        ("{\"image\": \"i\", \"run_options\": \"--rm\"}", "run_options is not an array"),
    ])
    func refused(text: String, reason: String) {
        let error = #expect(throws: WorkerError.self) { try ContainerRuntimeEnv(json: text) }
        #expect(error?.code == .invalid)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: ["{}", "{\"image\": \"\"}", "{\"image_uri\": \"i\", \"container\": {\"image\": \"i\"}}"])
    func undecodable(text: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(ContainerRuntimeEnv.self, from: Data(text.utf8))
        }
    }
}
