import Foundation
import Testing

/// `serve check` and `serve prepare`, with a shell script for the host's Python and images whose Python is one, too.
@Suite(.needs(.swiftpod)) struct ServeTests {
    private static let python = """
        #!/bin/sh
        echo 'swiftpod-probe:{"python": "3.11.2", "ray": "2.60.0", "uid": 0}'
        """

    private func configuration(_ images: [(name: String, env: String)]) -> String {
        "applications:\n"
            + images.map { "  - name: \($0.name)\n    import_path: m:app\n    runtime_env: \($0.env)\n" }.joined()
    }

    @Test(arguments: Account.all) func goodImagesPass(account: Account) throws {
        try Pod.with(account, "worker") { pod in
            pod.write("python", ServeTests.python, mode: 0o755)
            pod.write(
                "serve.yaml",
                """
                applications:
                  - name: one
                    runtime_env: {container: {image: "localhost/worker:latest", run_options: ["--cap-drop=ALL"]}}
                    deployments:
                      - name: D
                        ray_actor_options: {runtime_env: {image_uri: "localhost/worker:latest"}}
                  - name: two
                    runtime_env: {image_uri: "localhost/worker:latest"}
                  - name: three
                """)
            let prepared = pod("serve", "prepare", "serve.yaml")
            #expect(prepared.ok, "\(prepared)")
            #expect(prepared.lines.count == 3)
            #expect(prepared.lines.dropFirst().allSatisfy { $0.hasSuffix("ok") })
            let checked = pod("serve", "check", "--python", pod.files + "/python", "--format", "json", "serve.yaml")
            #expect(checked.ok, "\(checked)")
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(checked.out.utf8)) as? [String: Any])
            let rows = try #require(json["containers"] as? [[String: Any]])
            #expect(json["good"] as? Bool == true)
            #expect(rows.count == 2)
            #expect(rows[0]["places"] as? [String] == ["one"])
            #expect(rows[1]["places"] as? [String] == ["one/D", "two"])
            #expect(rows[1]["worker_path"] as? String == "/ray/_private/workers/default_worker.py")
            #expect(rows[1]["ray"] as? String == "2.60.0")
        }
    }

    @Test(arguments: Account.all) func everyFaultComesWithItsMend(account: Account) throws {
        let images = ["worker", "worker-old", "worker-user", "worker-without-ray", "worker-without-python"]
        try Pod.with(account, images[0], images[1], images[2], images[3], images[4]) { pod in
            pod.write("python", ServeTests.python, mode: 0o755)
            let text = configuration([
                ("old", "{image_uri: localhost/worker-old}"), ("user", "{image_uri: localhost/worker-user}"),
                ("noray", "{image_uri: localhost/worker-without-ray}"),
                ("nopython", "{image_uri: localhost/worker-without-python}"),
                ("missing", "{container: {image: localhost/nowhere, run_options: [--pull=never]}}"),
                ("option", "{container: {image: localhost/worker, run_options: [--bogus]}}"),
                ("device", "{container: {image: localhost/worker, run_options: [--device nosuch.com/gpu=0]}}"),
                ("path", "{container: {image: localhost/worker, worker_path: /no/such.py}}"),
                ("good", "{image_uri: localhost/worker}"),
            ])
            let checked = pod("serve", "check", "--python", pod.files + "/python", "-", input: text)
            #expect(checked.code == 1, "\(checked)")
            for expected in [
                "old: Ray is 2.9.3, the host's is 2.60.0: install ray==2.60.0 in the image",
                "old: Python is 3.9.18, the host's is 3.11.2:", "user: the worker's user id 1000 ",
                "remove USER from the image, or add --user=\(account.uid) to run_options",
                "noray: the image has no Ray: install Ray in it",
                "nopython: the image has no python in PATH: put the directory",
                "missing: localhost/nowhere: image not known: check the name",
                "option: unknown flag: --bogus: correct run_options",
                "device: setting up CDI devices: unresolvable CDI device nosuch.com/gpu=0: no specification of vendor "
                    + "nosuch.com: correct run_options, or give the host what they name",
                "path: worker_path /no/such.py is not in the image: leave worker_path out, or write /ray/",
            ] {
                #expect(checked.out.contains(expected), "\(expected)\n\(checked)")
            }
            #expect(!checked.out.contains("\ngood:"), "\(checked)")
            #expect(checked.lines.filter { $0.hasPrefix("good ") && $0.hasSuffix("ok") }.count == 1, "\(checked)")
        }
    }

    @Test func mistakesInTheFile() throws {
        try Pod.with(.unprivileged, "none") { pod in
            for (text, reason) in [
                ("applications: 5", "has no list of applications"), ("a: [", "is not valid YAML"),
                (
                    "applications: [{name: a, runtime_env: {container: {img: x}}}]",
                    "applications[0].runtime_env.container"
                ),
                (
                    "applications: [{name: a, deployments: [{name: d, ray_actor_options: {runtime_env: {image_uri: 5}}}]}]",
                    "applications[0].deployments[0].ray_actor_options.runtime_env.image_uri is not a string"
                ),
            ] {
                let output = pod("serve", "prepare", "-", input: text)
                #expect(output.code == 125)
                #expect(output.err.contains(reason), "\(output)")
                #expect(output.errorLines.count == 1)
            }
            #expect(pod("serve", "prepare", "no-such-file").code == 125)
            let none = pod("serve", "prepare", "-", input: "applications: [{name: a}]")
            #expect(none.ok)
            #expect(none.err.contains("none of its applications (1) asks for a container"))
        }
    }
}
