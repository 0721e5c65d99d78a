/// What an image is built for, as in the image specification's index: `linux/arm64/v8`.
public struct Platform: Hashable, Sendable, CustomStringConvertible {
    public var os: String
    public var architecture: String
    public var variant: String?

    public init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    public var description: String {
        "\(os)/\(architecture)" + (variant.map { "/" + $0 } ?? "")
    }
}

extension Platform {
    /// The machine that this program was built for. The variant is left open.
    public static var host: Platform {
        #if arch(x86_64)
        Platform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
        Platform(os: "linux", architecture: "arm64")
        #elseif arch(arm)
        Platform(os: "linux", architecture: "arm", variant: "v7")
        #elseif arch(i386)
        Platform(os: "linux", architecture: "386")
        #elseif arch(riscv64)
        Platform(os: "linux", architecture: "riscv64")
        #elseif arch(s390x)
        Platform(os: "linux", architecture: "s390x")
        #elseif arch(powerpc64le)
        Platform(os: "linux", architecture: "ppc64le")
        #else
        #error("name this architecture as Go does")
        #endif
    }

    /// Reads `OS/ARCHITECTURE[/VARIANT]`, or an architecture alone, which is taken to be Linux.
    ///
    /// - Throws: `DocumentError` whose reason quotes the text.
    public init(parsing text: String) throws(DocumentError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isWord = { (part: String) in
            !part.isEmpty
                && part.utf8.allSatisfy {
                    $0.isLowerLetter || $0.isUpperLetter || $0.isDigit || "_-.".utf8.contains($0)
                }
        }
        guard (1...3).contains(parts.count), parts.allSatisfy(isWord) else {
            throw DocumentError(reason: "platform \"\(text.escapingControls)\" is not OS/ARCHITECTURE[/VARIANT]")
        }
        if parts.count == 1 {
            self = Platform(os: "linux", architecture: parts[0]).normalized
        } else {
            self = Platform(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil).normalized
        }
    }

    /// The same platform by the names that indexes use: `x86_64` is `amd64`, `aarch64` and `arm64/v8` are `arm64`,
    /// `armhf` and `arm` are `arm/v7`.
    public var normalized: Platform {
        var result = Platform(
            os: os.lowercased(), architecture: architecture.lowercased(),
            variant: variant.flatMap { $0.isEmpty ? nil : $0.lowercased() })
        switch result.architecture {
        case "x86_64", "x86-64": result.architecture = "amd64"
        case "i386", "i486", "i586", "i686": result.architecture = "386"
        case "aarch64": result.architecture = "arm64"
        case "armhf": (result.architecture, result.variant) = ("arm", "v7")
        case "armel": (result.architecture, result.variant) = ("arm", "v6")
        default: break
        }
        if let variant = result.variant, variant.utf8.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: ".") }) {
            result.variant = "v" + variant
        }
        switch (result.architecture, result.variant) {
        case ("amd64", "v1"), ("arm64", "v8"), ("arm64", "v8.0"), ("386", _): result.variant = nil
        case ("arm64", "v9.0"): result.variant = "v9"
        case ("arm", nil): result.variant = "v7"
        default: break
        }
        return result
    }

    /// What runs on this platform, best first: the platform itself, then its older variants.
    ///
    /// Another architecture is never among them, although a 64-bit processor often runs 32-bit programs: who asked
    /// for one architecture should not get another without a word.
    public var candidates: [Platform] {
        let own = normalized
        let older: [String?]
        switch own.architecture {
        case "amd64":
            older = Self.versions(below: own.variant, downTo: 2) + [nil]
        case "arm":
            older = Self.versions(below: own.variant, downTo: 5)
        case "arm64":
            // v9.0 includes v8.5, v9.1 v8.6, and so on.
            let minor = Self.minor(own.variant)
            if own.variant?.hasPrefix("v9") == true {
                older = Self.minors(below: minor, major: 9) + ["v9"] + Self.minors(below: minor + 6, major: 8) + [nil]
            } else {
                older = Self.minors(below: minor, major: 8) + [nil]
            }
        default:
            older = [nil]
        }
        var result = [own]
        for variant in older {
            let platform = Platform(os: own.os, architecture: own.architecture, variant: variant)
            if !result.contains(platform) { result.append(platform) }
        }
        return result
    }

    /// Whether an image built for `image` runs here.
    public func accepts(_ image: Platform) -> Bool {
        candidates.contains(image.normalized)
    }

    private static func versions(below variant: String?, downTo lowest: Int) -> [String?] {
        guard let top = variant.flatMap({ Int($0.dropFirst()) }), top > lowest, top < 100 else { return [] }
        return (lowest..<top).reversed().map { "v\($0)" }
    }

    private static func minor(_ variant: String?) -> Int {
        guard let parts = variant?.split(separator: "."), parts.count == 2, let minor = Int(parts[1]),
            (0..<100).contains(minor)
        else { return 0 }
        return minor
    }

    private static func minors(below minor: Int, major: Int) -> [String?] {
        (1..<max(1, minor)).reversed().map { "v\(major).\($0)" }
    }
}

extension Platform: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        os = try json.required("os")
        architecture = try json.required("architecture")
        variant = try json.optional("variant")
    }

    public var json: JSON {
        JSON(members: ["architecture": architecture.json, "os": os.json, "variant": variant?.json])
    }
}
