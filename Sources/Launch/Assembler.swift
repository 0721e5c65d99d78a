import CShims
import LinuxKernel

/// Lowers steps to instructions and collects their texts.
struct Assembler {
    private(set) var instructions: [Instruction] = []
    private(set) var data: [UInt8] = []
    /// Places in `data` that hold an offset into it, to become an address.
    private(set) var relocations: [Int] = []
    /// Slots beyond the plan's own: the file system contexts, one after the other in the same one.
    let scratchSlots = 1
    private static let scratch: Int16 = -2
    private var current = Step(.announceStart)
    private var origin = 0

    init() {
        instructions.reserveCapacity(256)
        data.reserveCapacity(16 << 10)
    }

    mutating func assemble(_ step: Step, index: Int) {
        current = step
        origin = index
        switch step.action {
        case .mount(let system, let slot): assemble(system, into: slot)
        case .mountOverlay(let layers, let slot): assemble(layers, into: slot)
        case .probe(let command): emit(SWIFTPOD_PROBE) { $1.data = $0.put(command) }
        case .execute(let command): emit(SWIFTPOD_EXEC) { $1.data = $0.put(command) }
        default:
            var instruction = Instruction(op: SWIFTPOD_AWAIT)
            if !lowerRendezvous(step.action, &instruction), !lowerIdentity(step.action, &instruction),
                !lowerFile(step.action, &instruction), !lowerMount(step.action, &instruction)
            {
                lowerDescriptor(step.action, &instruction)
            }
            append(instruction)
        }
    }

    private mutating func append(_ instruction: Instruction) {
        var instruction = instruction
        instruction.origin = origin
        instruction.tolerated += current.tolerated
        if current.isFallback { instruction.flags |= UInt16(SWIFTPOD_FALLBACK) }
        instructions.append(instruction)
    }

    private mutating func emit(_ op: swiftpod_op, _ fill: (inout Assembler, inout Instruction) -> Void) {
        var instruction = Instruction(op: op)
        fill(&self, &instruction)
        append(instruction)
    }

    // MARK: Data

    /// Texts one after the other, each ended by a zero.
    mutating func put(_ texts: String...) -> Int {
        let offset = data.count
        for text in texts {
            data += text.utf8
            data.append(0)
        }
        return offset
    }

    mutating func put<T: BitwiseCopyable>(_ values: [T]) -> Int {
        align()
        let offset = data.count
        values.withUnsafeBytes { data += $0 }
        return offset
    }

    private mutating func align() {
        while data.count % 8 != 0 { data.append(0) }
    }

    /// A struct swiftpod_command: three lists of texts, each ended by null.
    private mutating func put(_ command: Command) -> Int {
        let lists = [command.candidates, command.arguments, command.environment].map { put(list: $0) }
        align()
        let offset = data.count
        for list in lists { put(reference: list) }
        return offset
    }

    /// A struct swiftpod_maps.
    mutating func put(_ maps: LaunchPlan.Maps?) -> Int {
        let texts = [
            maps?.denySetgroups ?? false ? put("deny") : nil, maps.map { put(IDMaps.text($0.uid)) },
            maps.map { put(IDMaps.text($0.gid)) },
        ]
        align()
        let offset = data.count
        for text in texts {
            if let text { put(reference: text) } else { withUnsafeBytes(of: UInt(0)) { data += $0 } }
        }
        return offset
    }

    /// A struct swiftpod_system_call.
    mutating func put(_ call: SystemCall) -> Int {
        let words = call.arguments.map { argument -> (value: UInt64, data: Int?) in
            switch argument {
            case .value(let value): (value, nil)
            case .bytes(let bytes): (0, put(bytes))
            case .process: (0, nil)
            }
        }
        align()
        let offset = data.count
        withUnsafeBytes(of: call.number) { data += $0 }
        for index in 0..<5 {
            let word = index < words.count ? words[index] : (value: 0, data: nil)
            if let reference = word.data {
                put(reference: reference)
            } else {
                withUnsafeBytes(of: word.value) { data += $0 }
            }
        }
        return offset
    }

    private mutating func put(list: [String]) -> Int {
        let texts = list.map { put($0) }
        align()
        let offset = data.count
        for text in texts { put(reference: text) }
        withUnsafeBytes(of: UInt(0)) { data += $0 }
        return offset
    }

    private mutating func put(reference offset: Int) {
        relocations.append(data.count)
        withUnsafeBytes(of: UInt(offset)) { data += $0 }
    }

    // MARK: File systems

    private mutating func assemble(_ system: FileSystem, into slot: Slot) {
        emit(SWIFTPOD_FS_OPEN) {
            $1.output = Assembler.scratch
            $1.data = $0.put(system.type)
        }
        if let source = system.source { set("source", source) }
        for parameter in system.parameters {
            let halves = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            set(String(halves[0]), halves.count == 2 ? String(halves[1]) : nil)
        }
        finish(attributes: system.attributes, into: slot)
    }

    private mutating func assemble(_ layers: Layers, into slot: Slot) {
        emit(SWIFTPOD_FS_OPEN) {
            $1.output = Assembler.scratch
            $1.data = $0.put("overlay")
        }
        set("source", "overlay")
        // What overlay notes down about files goes to user.overlay.*: an unprivileged mounter may not write trusted.*,
        // and one store serves both.
        set("userxattr", nil)
        for (name, first, second) in [
            ("lowerdir", layers.lower, layers.objects), ("upperdir", layers.upper, nil), ("workdir", layers.work, nil),
        ] {
            emit(SWIFTPOD_FS_LAYERS) {
                $1.input = Assembler.scratch
                $1.a = UInt64(first.index)
                if let second { ($1.b, $1.n) = (UInt64(second.index), 1) }
                $1.data = $0.put(name)
            }
        }
        finish(attributes: [], into: slot)
    }

    private mutating func set(_ name: String, _ value: String?) {
        emit(SWIFTPOD_FS_SET) {
            $1.input = Assembler.scratch
            $1.a = value == nil ? 0 : 1
            $1.data = $0.put(name, value ?? "")
        }
    }

    private mutating func finish(attributes: MountAttributes, into slot: Slot) {
        emit(SWIFTPOD_FS_CREATE) { $1.input = Assembler.scratch }
        emit(SWIFTPOD_FS_MOUNT) {
            $1.input = Assembler.scratch
            $1.output = slot.index
            $1.a = attributes.rawValue
        }
    }
}
