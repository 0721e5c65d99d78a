// swift-tools-version: 6.2
import PackageDescription

// Built by ./fuzz.sh, which passes the sanitizers to the code under test as well.
let swift: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let documents = Target.Dependency.product(name: "OCISpec", package: "swiftpod")
let launch = Target.Dependency.product(name: "Launch", package: "swiftpod")
let engine = Target.Dependency.product(name: "ContainerEngine", package: "swiftpod")
let kernel = Target.Dependency.product(name: "LinuxKernel", package: "swiftpod")
let store = Target.Dependency.product(name: "ImageStore", package: "swiftpod")

let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "swiftpod", path: "../..", traits: [])],
    targets: [
        .target(name: "Driver", swiftSettings: swift),
        .executableTarget(name: "FuzzReference", dependencies: ["Driver", documents], swiftSettings: swift),
        .executableTarget(name: "FuzzDocuments", dependencies: ["Driver", documents], swiftSettings: swift),
        .executableTarget(
            name: "FuzzRuntime", dependencies: ["Driver", documents, launch, engine, kernel], swiftSettings: swift),
        .executableTarget(name: "FuzzTar", dependencies: ["Driver", store], swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6]
)
