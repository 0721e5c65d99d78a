import ContainerEngine
import Glibc
import LinuxKernel
import Testing

/// What killed commands left is found by the marks of processes that are no more.
@Suite struct ActiveMarkTests {
    /// The layout of a directory that is empty but for the one of marks.
    private func layout(in directory: borrowing TemporaryDirectory) throws -> DataLayout {
        let layout = DataLayout(data: directory.path, runtime: directory.path)
        try Directory.create(layout.active)
        return layout
    }

    /// Above any pid that Linux gives.
    private func setDead(_ number: Int32, in layout: DataLayout) throws {
        try ActiveMark(owner: ProcessIdentity(pid: 4_200_000 + number, startTime: 7), container: ContainerID.make())
            .set(in: layout)
    }

    @Test func theDeadAndOnlyThey() throws {
        let directory = try TemporaryDirectory()
        let layout = try layout(in: directory)
        let own = try #require(ProcessIdentity(runningAs: getpid()))
        try ActiveMark(owner: own, container: ContainerID.make()).set(in: layout)
        try setDead(1, in: layout)
        // The pid has been given to another since.
        let former = ActiveMark(
            owner: ProcessIdentity(pid: getpid(), startTime: own.startTime - 1), container: ContainerID.make())
        try former.set(in: layout)
        for name in ["nobody", "1.2", "1.2.3", "99999999999.1.x"] {
            try File.writeAtomically([], to: layout.active + "/" + name)
        }
        #expect(Set(ActiveMark.orphaned(in: layout).map(\.owner.pid)) == [4_200_001, getpid()])
        former.clear(in: layout)
        #expect(ActiveMark.orphaned(in: layout).map(\.owner.pid) == [4_200_001])
    }

    /// A start reads the first of many, and all of them when its turn comes.
    @Test func glance() throws {
        let directory = try TemporaryDirectory()
        let layout = try layout(in: directory)
        for number in 0..<Int32(400) { try setDead(number, in: layout) }
        #expect(ActiveMark.orphaned(in: layout).count == 400)
        let seen = ActiveMark.orphaned(in: layout, glancing: true).count
        #expect(getpid() % 8 == 0 ? seen == 400 : (64..<200).contains(seen), "\(seen)")
    }

    /// Of the living, whose pid may be another's by now, as many are looked at as was said, others by another process.
    @Test func livingAreLookedAtInTurn() throws {
        let directory = try TemporaryDirectory()
        let layout = try layout(in: directory)
        let own = try #require(ProcessIdentity(runningAs: getpid()))
        for number in 1...40 {
            try ActiveMark(
                owner: ProcessIdentity(pid: getpid(), startTime: own.startTime + UInt64(number)),
                container: ContainerID.make()
            ).set(in: layout)
        }
        #expect(ActiveMark.orphaned(in: layout, checking: 16).count == 16)
        #expect(ActiveMark.orphaned(in: layout, checking: 40).count == 40)
    }
}
