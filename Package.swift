// swift-tools-version: 6.2
import PackageDescription

// The start path (`run`, `exec`, `kill`, `ps`) must cost about what a C program costs, so the release binary is a
// static executable. The flags stand on the executable alone: a library target with unsafe flags could not be
// depended on by version. FoundationEssentials arrives with AsyncHTTPClient and needs its two support archives named.
let staticExecutable: [LinkerSetting] = [
    // Symbols are for Benchmarks/order alone.
    .unsafeFlags(
        Context.environment["SWIFTPOD_SYMBOLS"] == nil ? ["-Xlinker", "-s"] : [], .when(configuration: .release)),
    .unsafeFlags(
        [
            "-static-executable", "-use-ld=lld",
            "-Xlinker", "-l_FoundationCShims", "-Xlinker", "-l_FoundationCollections",
            // What a start runs stands together: a start is some hundred page faults, and these are fewer of them. See
            // Benchmarks/order; names that are gone do no harm.
            "-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/Benchmarks/order/start.order",
            "-Xlinker", "--no-warn-symbol-ordering",
        ], .when(configuration: .release)),
]

let swift: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "swiftpod",
    products: [
        .executable(name: "swiftpod", targets: ["swiftpod"]),
        .library(name: "SwiftPod", targets: ["SwiftPod"]),
    ],
    traits: [
        // Everything that needs an HTTP client. Without it (`--disable-default-traits`) the rest builds and tests in
        // seconds; images then come by `load` and `import` alone.
        .trait(name: "Registry", description: "Pull images from OCI registries"),
        .default(enabledTraits: ["Registry"]),
    ],
    dependencies: [
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ],
    targets: [
        .systemLibrary(
            name: "CSeccomp", path: "CShims/libseccomp", pkgConfig: "libseccomp",
            providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CCap", path: "CShims/libcap", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),
        .systemLibrary(name: "CZlib", path: "CShims/libz", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", path: "CShims/libzstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(
            name: "CCrypto", path: "CShims/libcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CYAML", path: "CShims/libyaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        .target(
            name: "CShims", path: "CShims",
            exclude: ["libseccomp", "libcap", "libz", "libzstd", "libcrypto", "libyaml"],
            cSettings: []),
        .target(name: "LinuxKernel", dependencies: ["CShims", "CSeccomp", "CCap"], swiftSettings: swift),
        .target(name: "OCISpec", swiftSettings: swift),
        .target(name: "YAML", dependencies: ["OCISpec", "CYAML"], swiftSettings: swift),
        .target(
            name: "ImageStore", dependencies: ["CShims", "LinuxKernel", "OCISpec", "CZlib", "CZstd", "CCrypto"],
            exclude: ["README.md"],
            swiftSettings: swift),
        .target(
            name: "Registry",
            dependencies: [
                "ImageStore", "OCISpec", "LinuxKernel", "CShims", "CCrypto",
                .product(name: "AsyncHTTPClient", package: "async-http-client", condition: .when(traits: ["Registry"])),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["Registry"])),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Registry"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Registry"])),
                .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Registry"])),
            ],
            swiftSettings: swift),
        .target(
            name: "Cgroups", dependencies: ["CShims", "LinuxKernel", "OCISpec"], exclude: ["README.md"],
            swiftSettings: swift),
        .target(name: "Launch", dependencies: ["CShims", "LinuxKernel", "OCISpec"], swiftSettings: swift),
        .target(
            name: "DeviceInjection", dependencies: ["LinuxKernel", "OCISpec", "YAML"], exclude: ["README.md"],
            swiftSettings: swift),
        .target(
            name: "ContainerEngine",
            dependencies: [
                "Launch", "Cgroups", "DeviceInjection", "ImageStore", "LinuxKernel", "OCISpec", "CShims",
            ],
            exclude: ["OCI/README.md", "Policy/README.md", "Worker/README.md"],
            swiftSettings: swift),
        .target(name: "CStopwatch"),
        .target(
            name: "Bench", dependencies: ["CStopwatch", "SwiftPod", "ImageStore", "LinuxKernel", "OCISpec"],
            swiftSettings: swift),
        .target(
            name: "OptionGrammar",
            dependencies: ["ContainerEngine", "DeviceInjection", "ImageStore", "OCISpec", "LinuxKernel"],
            exclude: ["README.md"],
            swiftSettings: swift),
        // What the library's launcher process does, and how it is spoken to.
        .target(
            name: "Workers",
            dependencies: [
                "OptionGrammar", "ContainerEngine", "ImageStore", "Registry", "OCISpec", "LinuxKernel", "CShims",
            ],
            exclude: ["README.md"],
            swiftSettings: swift),
        .target(
            name: "SwiftPod", dependencies: ["Workers", "YAML", "OCISpec", "LinuxKernel", "CShims"],
            swiftSettings: swift),
        .target(
            name: "WorkerService", dependencies: ["SwiftPod", "OCISpec", "LinuxKernel", "CShims"],
            swiftSettings: swift),
        .target(
            name: "SwiftPodCLI",
            dependencies: [
                "SwiftPod", "WorkerService", "Workers", "Bench", "OptionGrammar", "ContainerEngine", "DeviceInjection",
                "ImageStore", "Registry", "OCISpec", "LinuxKernel", "CShims",
            ],
            exclude: ["README.md"],
            swiftSettings: swift),
        .executableTarget(
            name: "swiftpod", dependencies: ["SwiftPodCLI"], swiftSettings: swift, linkerSettings: staticExecutable),

        .testTarget(name: "OCISpecTests", dependencies: ["OCISpec"], swiftSettings: swift),
        .testTarget(name: "YAMLTests", dependencies: ["YAML", "OCISpec"], swiftSettings: swift),
        .testTarget(
            name: "DeviceInjectionTests", dependencies: ["DeviceInjection", "LinuxKernel", "OCISpec"],
            swiftSettings: swift),
        .testTarget(name: "LinuxKernelTests", dependencies: ["LinuxKernel"], swiftSettings: swift),
        .testTarget(
            name: "ImageStoreTests", dependencies: ["ImageStore", "LinuxKernel", "OCISpec"], swiftSettings: swift),
        .testTarget(
            name: "CgroupsTests", dependencies: ["CShims", "Cgroups", "LinuxKernel", "OCISpec"], swiftSettings: swift),
        .testTarget(name: "LaunchTests", dependencies: ["Launch", "LinuxKernel", "OCISpec"], swiftSettings: swift),
        .testTarget(
            name: "RegistryTests", dependencies: ["Registry", "ImageStore", "OCISpec", "LinuxKernel"],
            swiftSettings: swift),
        .testTarget(
            name: "ContainerEngineTests",
            dependencies: ["ContainerEngine", "Cgroups", "DeviceInjection", "ImageStore", "OCISpec", "LinuxKernel"],
            swiftSettings: swift),
        .testTarget(name: "BenchTests", dependencies: ["Bench", "LinuxKernel"], swiftSettings: swift),
        .testTarget(
            name: "SwiftPodCLITests",
            dependencies: ["RayCommandLines", "SwiftPodCLI", "OptionGrammar", "ContainerEngine", "OCISpec"],
            swiftSettings: swift),
        .testTarget(
            name: "WorkersTests",
            dependencies: ["SwiftPod", "Workers", "OptionGrammar", "ContainerEngine", "OCISpec", "LinuxKernel"],
            swiftSettings: swift),
        // Drives the installed binary from outside, so it imports nothing of ours.
        .testTarget(name: "SystemTests", dependencies: ["RayCommandLines"], swiftSettings: swift),
        .target(name: "RayCommandLines", path: "Tests/RayCommandLines", swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6]
)

// The fuzz targets are a package of their own (Tests/Fuzz), which sees products alone.
if Context.environment["SWIFTPOD_FUZZ"] != nil {
    package.products += [
        .library(name: "OCISpec", targets: ["OCISpec"]),
        .library(name: "ImageStore", targets: ["ImageStore"]),
        .library(name: "Launch", targets: ["Launch"]),
        .library(name: "LinuxKernel", targets: ["LinuxKernel"]),
        .library(name: "ContainerEngine", targets: ["ContainerEngine"]),
    ]
}
