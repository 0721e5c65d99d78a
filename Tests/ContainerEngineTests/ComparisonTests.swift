import ContainerEngine
import OCISpec
import Testing

/// Specifications beside podman's.
@Suite struct ComparisonTests {
    @Test func plainContainer() throws {
        let lines = try Fixture.build().lines.map(Self.shortened)
        #expect(lines == plainExpectation.split(separator: "\n").map(String.init))
    }

    @Test(arguments: comparisonRows.indices)
    func flags(_ index: Int) throws {
        let row = comparisonRows[index]
        let changes = try Fixture.build(row.image, caller: row.caller, row.change).changes(from: Fixture.build())
        let lines = changes.map(Self.shortened).filter { !Self.dependsOnMachine($0, of: row.name) }
        let expected = try #require(comparisonExpectations[row.name]).split(separator: "\n").map(String.init)
        #expect(lines == expected, "\(row.name)")
    }

    private static func shortened(_ line: String) -> String {
        let defaults = CapabilityPolicy.defaults.map { $0.name.dropFirst(4).lowercased() }.joined(separator: ",")
        let short = line.replacing(defaults, with: "DEFAULT")
        return short.last == " " ? String(short.dropLast()) : short
    }

    /// Which devices there are, and whether message queues are mounted.
    private static func dependsOnMachine(_ line: String, of name: String) -> Bool {
        (name == "priv" && line.hasPrefix("+ mount /dev/")) || (name == "hostall" && line.contains("/dev/mqueue"))
    }
}
