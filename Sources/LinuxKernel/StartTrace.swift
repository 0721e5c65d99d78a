import CShims

/// What takes how long when a container is started (`run --trace`).
///
/// A start is a row of phases, each of which lasts until the next begins. Off, which is the rule, a mark costs one look
/// at a pointer. The memory is shared with forked children, which go on with the same row, and with the process that
/// performs the plan, which notes when each instruction was done.
package enum StartTrace {
    /// What a start is doing.
    package enum Phase: UInt32, CaseIterable, Sendable {
        /// From the first statement of the program.
        case parse
        /// Directories of the store, what a killed command may have left, the image's record.
        case lookUp
        /// Into the namespace keeper's user namespace; the first command of a session starts the keeper.
        case keeper
        /// The image's files for this mapping of ids, made where they are missing.
        case tree
        /// The specification and the container's directory with its files.
        case create
        /// Streams, cgroup, system call filter, plan.
        case plan
        /// From the plan to the child.
        case clone
        /// The child performs the plan; the launcher writes maps and does what falls to it.
        case steps
        /// The command runs.
        case running
        /// What stood beside the container is taken down.
        case remove
    }

    /// nil: nobody asked. Written before there is a second thread or process.
    nonisolated(unsafe) package private(set) static var memory: UnsafeMutablePointer<swiftpod_trace>?

    /// From here on it is noted; the phase `parse` has begun at `start`, in nanoseconds of the monotonic clock.
    package static func begin(at start: UInt64) {
        guard memory == nil, let made = swiftpod_trace_make() else { return }
        memory = made
        note(.parse, at: start, in: made)
    }

    /// The phase begins, and the one before it ends.
    package static func enter(_ phase: Phase) {
        if let memory { note(phase, at: swiftpod_trace_now(), in: memory) }
    }

    private static func note(_ phase: Phase, at time: UInt64, in memory: UnsafeMutablePointer<swiftpod_trace>) {
        let index = Int(memory.pointee.mark_count)
        guard index < Int(SWIFTPOD_TRACE_MARKS) else { return }
        swiftpod_trace_marks(memory)[index] = swiftpod_mark(time: time, phase: phase.rawValue)
        memory.pointee.mark_count = UInt32(index + 1)
    }

    /// The plan that is about to be performed: its steps in words, and the step that each instruction belongs to.
    package static func describe(_ steps: [String], origins: [Int]) {
        guard let memory else { return }
        let text = swiftpod_trace_text(memory)!
        var length = 0
        for step in steps {
            for byte in step.utf8 where length < Int(SWIFTPOD_TRACE_TEXT) - 1 {
                text[length] = CChar(bitPattern: byte == 0x0a ? 0x20 : byte)
                length += 1
            }
            if length < Int(SWIFTPOD_TRACE_TEXT) {
                text[length] = 0x0a
                length += 1
            }
        }
        memory.pointee.text_length = UInt32(length)
        let count = min(origins.count, Int(SWIFTPOD_TRACE_STEPS))
        for index in 0..<count {
            swiftpod_trace_origin(memory)[index] = UInt16(truncatingIfNeeded: origins[index])
            swiftpod_trace_ended(memory)[index] = 0
        }
        memory.pointee.instructions = UInt32(count)
    }

    /// Something that took a while. Times are nanoseconds since the program's first statement.
    package struct Span: Equatable, Sendable {
        package var name: String
        package var start: UInt64
        package var end: UInt64
    }

    /// What has been noted so far; nil where nobody asked.
    package static func report() -> (phases: [Span], steps: [Span])? {
        guard let memory, memory.pointee.mark_count > 0 else { return nil }
        let now = swiftpod_trace_now()
        let marks = (0..<Int(memory.pointee.mark_count)).map { swiftpod_trace_marks(memory)[$0] }
        let origin = marks[0].time
        var phases: [Span] = []
        for (index, mark) in marks.enumerated() {
            let end = index + 1 < marks.count ? marks[index + 1].time : now
            let name = Phase(rawValue: mark.phase).map { "\($0)" } ?? "?"
            phases.append(Span(name: name, start: mark.time &- origin, end: end &- origin))
        }
        let running = marks.last { $0.phase == Phase.running.rawValue }?.time ?? now
        return (phases, steps(memory, since: origin, running: running))
    }

    /// Instructions of one step count together. The last, the exec, reports no end: the launcher sees it.
    private static func steps(
        _ memory: UnsafeMutablePointer<swiftpod_trace>, since origin: UInt64, running: UInt64
    ) -> [Span] {
        let text = UnsafeRawBufferPointer(
            start: swiftpod_trace_text(memory), count: Int(memory.pointee.text_length))
        let words = text.split(separator: 0x0a, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let count = Int(memory.pointee.instructions)
        var spans: [Span] = []
        var last = memory.pointee.child
        var lastOrigin: UInt16?
        for index in 0..<count {
            var end = swiftpod_trace_ended(memory)[index]
            let step = swiftpod_trace_origin(memory)[index]
            if end == 0, index == count - 1, last != 0, running >= last { end = running }
            guard end >= last, end != 0, Int(step) < words.count else { continue }
            if step == lastOrigin {
                spans[spans.count - 1].end = end &- origin
            } else {
                spans.append(Span(name: words[Int(step)], start: last &- origin, end: end &- origin))
            }
            lastOrigin = step
            last = end
        }
        return spans
    }
}
