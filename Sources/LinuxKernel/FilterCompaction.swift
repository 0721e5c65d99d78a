/// Makes a system call filter shorter that means the same.
///
/// The kernel checks, translates and compiles a filter anew for every container, which takes a start longer than most of
/// its mounts where the filter has a comparison for each of some four hundred calls on three architectures. But numbers
/// with one verdict stand side by side in a few dozen runs. So the filter is asked: between two of the numbers that it
/// compares with it cannot tell calls apart, so one call of each such interval stands for all, and what it says of them
/// is written down as a binary search among the intervals. Where it looks at arguments, that part is copied as it is.
package struct FilterCompaction {
    /// `struct sock_filter`.
    struct Instruction: Equatable {
        var code: UInt16
        var onTrue: UInt8 = 0
        var onFalse: UInt8 = 0
        var value: UInt32

        static let loadWord: UInt16 = 0x20
        static let jump: UInt16 = 0x05
        static let equal: UInt16 = 0x15
        static let greater: UInt16 = 0x25
        static let greaterOrEqual: UInt16 = 0x35
        static let and: UInt16 = 0x54
        static let result: UInt16 = 0x06
    }

    /// What is said of a call.
    private enum Verdict: Equatable {
        case result(UInt32)
        /// Depends on its arguments: the old program's part from there on.
        case part(Int)
    }

    /// Offsets in `struct seccomp_data`.
    private static let number: UInt32 = 0
    private static let architecture: UInt32 = 4

    private let old: [Instruction]
    /// From the last instruction to the first: a jump's target stands before the jump is written.
    private var new: [Instruction] = []
    /// Where results and parts stand, counted from the end.
    private var results: [UInt32: Int] = [:]
    private var parts: [Int: Int] = [:]

    /// - Returns: nil for a program that it does not understand, which then stays as it is.
    static func compacted(_ program: [Instruction]) -> [Instruction]? {
        var compaction = FilterCompaction(old: program)
        guard compaction.run(), compaction.new.count < program.count else { return nil }
        return compaction.new.reversed()
    }

    private init(old: [Instruction]) {
        self.old = old
    }

    private mutating func run() -> Bool {
        guard let borders = borders() else { return false }
        var machines: [Interval<[Interval<Verdict>]>] = []
        for machine in borders.machines {
            var calls: [Interval<Verdict>] = []
            for number in borders.numbers {
                guard let verdict = ask(number, machine) else { return false }
                if calls.last?.content != verdict { calls.append(Interval(first: number, content: verdict)) }
            }
            if machines.last?.content != calls { machines.append(Interval(first: machine, content: calls)) }
        }
        let isWritten = search(machines[...]) { compaction, calls in
            if calls.count == 1 { return compaction.write(calls[0].content) }
            guard compaction.search(calls[...], { $0.write($1) }) != nil else { return nil }
            return compaction.put(Instruction(code: Instruction.loadWord, value: Self.number))
        }
        guard isWritten != nil else { return false }
        _ = put(Instruction(code: Instruction.loadWord, value: Self.architecture))
        return true
    }

    // MARK: - Reading

    /// Calls or machines from one border to the next.
    private struct Interval<Content: Equatable>: Equatable {
        let first: UInt32
        let content: Content
    }

    /// Where the old program may begin to say something else: nil where that cannot be told.
    private func borders() -> (numbers: [UInt32], machines: [UInt32])? {
        /// What may have been loaded when an instruction is reached.
        struct Loaded: OptionSet {
            let rawValue: Int
            static let nothing = Loaded(rawValue: 1)
            static let number = Loaded(rawValue: 2)
            static let machine = Loaded(rawValue: 4)
            static let argument = Loaded(rawValue: 8)
        }
        var numbers: Set<UInt32> = [0]
        var machines: Set<UInt32> = [0]
        var reached = [Loaded](repeating: [], count: old.count)
        if !old.isEmpty { reached[0] = .nothing }
        for (at, instruction) in old.enumerated() where !reached[at].isEmpty {
            var loaded = reached[at]
            switch instruction.code {
            case Instruction.loadWord:
                switch instruction.value {
                case Self.number: loaded = .number
                case Self.architecture: loaded = .machine
                default: loaded = .argument
                }
            case Instruction.equal, Instruction.greater, Instruction.greaterOrEqual:
                for border in [instruction.value, instruction.value &+ 1] {
                    if loaded.contains(.number) { numbers.insert(border) }
                    if loaded.contains(.machine) { machines.insert(border) }
                }
                if loaded.contains(.nothing) { return nil }
            case Instruction.and: if loaded != .argument { return nil }
            case Instruction.jump, Instruction.result: break
            default: return nil
            }
            for next in followers(of: at) {
                guard next < old.count else { return nil }
                reached[next].formUnion(loaded)
            }
        }
        return (numbers.sorted(), machines.sorted())
    }

    /// What the old program says of one call.
    private func ask(_ number: UInt32, _ machine: UInt32) -> Verdict? {
        var at = 0
        var loaded: UInt32?
        while at < old.count {
            let instruction = old[at]
            var holds: Bool
            switch instruction.code {
            case Instruction.loadWord:
                switch instruction.value {
                case Self.number: loaded = number
                case Self.architecture: loaded = machine
                default: return .part(at)
                }
                at += 1
                continue
            case Instruction.result: return .result(instruction.value)
            case Instruction.jump:
                at += 1 + Int(instruction.value)
                continue
            case Instruction.equal: holds = loaded == instruction.value
            case Instruction.greater: holds = loaded.map { $0 > instruction.value } ?? false
            case Instruction.greaterOrEqual: holds = loaded.map { $0 >= instruction.value } ?? false
            default: return nil
            }
            guard loaded != nil else { return nil }
            at += 1 + Int(holds ? instruction.onTrue : instruction.onFalse)
        }
        return nil
    }

    private func followers(of at: Int) -> [Int] {
        let instruction = old[at]
        switch instruction.code {
        case Instruction.result: return []
        case Instruction.jump: return [at + 1 + Int(instruction.value)]
        case Instruction.loadWord, Instruction.and: return [at + 1]
        default: return [at + 1 + Int(instruction.onTrue), at + 1 + Int(instruction.onFalse)]
        }
    }

    // MARK: - Writing

    /// - Returns: the place, counted from the end.
    private mutating func put(_ instruction: Instruction) -> Int {
        new.append(instruction)
        return new.count - 1
    }

    /// Leads to the interval that holds the loaded value.
    private mutating func search<T>(
        _ intervals: ArraySlice<Interval<T>>, _ leaf: (inout FilterCompaction, T) -> Int?
    ) -> Int? {
        if intervals.count == 1 { return leaf(&self, intervals[intervals.startIndex].content) }
        let middle = intervals.startIndex + intervals.count / 2
        guard var above = search(intervals[middle...], leaf), let below = search(intervals[..<middle], leaf) else {
            return nil
        }
        let distance = new.count - 1 - above
        if distance > 255 { above = put(Instruction(code: Instruction.jump, value: UInt32(distance))) }
        var test = Instruction(code: Instruction.greaterOrEqual, value: intervals[middle].first)
        // Below stands at most that one jump further away.
        guard let far = UInt8(exactly: new.count - 1 - below) else { return nil }
        test.onTrue = UInt8(new.count - 1 - above)
        test.onFalse = far
        return put(test)
    }

    private mutating func write(_ verdict: Verdict) -> Int? {
        switch verdict {
        case .result(let value):
            // Near enough for whoever jumps there next, with a jump between; else once more.
            if let place = results[value], new.count - place < 200 { return place }
            let place = put(Instruction(code: Instruction.result, value: value))
            results[value] = place
            return place
        case .part(let start):
            if let place = parts[start], new.count - place < 200 { return place }
            guard let place = copy(from: start) else { return nil }
            parts[start] = place
            return place
        }
    }

    /// Everything that can follow that instruction of the old program.
    private mutating func copy(from start: Int) -> Int? {
        var wanted: Set<Int> = [start]
        for at in start..<old.count where wanted.contains(at) {
            wanted.formUnion(followers(of: at))
        }
        var places: [Int: Int] = [:]
        for at in wanted.sorted(by: >) {
            var instruction = old[at]
            let targets = followers(of: at).compactMap { places[$0] }.map { new.count - 1 - $0 }
            switch instruction.code {
            case Instruction.result: break
            case Instruction.jump:
                guard targets.count == 1 else { return nil }
                instruction.value = UInt32(targets[0])
            case Instruction.loadWord, Instruction.and:
                guard targets == [0] else { return nil }
            default:
                guard targets.count == 2, let onTrue = UInt8(exactly: targets[0]),
                    let onFalse = UInt8(exactly: targets[1])
                else { return nil }
                instruction.onTrue = onTrue
                instruction.onFalse = onFalse
            }
            places[at] = put(instruction)
        }
        return places[start]
    }
}
