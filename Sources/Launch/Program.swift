import CShims
import Glibc
import LinuxKernel

/// A plan in the form that child.c performs: everything it points to stands in one block, before the clone.
struct Program: ~Copyable {
    private let block: UnsafeMutableRawPointer
    private let instructions: Int
    private let slots: UnsafeMutablePointer<Int32>
    private let slotCount: Int
    /// Which of the plan's steps an instruction belongs to.
    private let origins: [Int]
    /// Which instruction executes the guard.
    private let guardStep: Int

    init(_ plan: LaunchPlan) {
        var assembler = Assembler()
        for (index, step) in plan.steps.enumerated() { assembler.assemble(step, index: index) }
        let stride = MemoryLayout<swiftpod_step>.stride
        let slotCount = max(1, plan.slotCount + assembler.scratchSlots)
        let textOffset = assembler.instructions.count * stride + (slotCount * 4 + 15) / 16 * 16
        let block = UnsafeMutableRawPointer.allocate(byteCount: textOffset + assembler.data.count, alignment: 16)
        let data = block + textOffset
        assembler.data.withUnsafeBytes {
            data.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(block), byteCount: $0.count)
        }
        // Lists of texts are offsets until the block has its place.
        for at in assembler.relocations {
            let offset = (data + at).load(as: UInt.self)
            (data + at).storeBytes(of: UInt(bitPattern: data) + offset, as: UInt.self)
        }
        for (index, instruction) in assembler.instructions.enumerated() {
            var native = instruction.native(scratch: plan.slotCount)
            if let offset = instruction.data { native.data = UnsafeRawPointer(data + offset) }
            (block + index * stride).storeBytes(of: native, as: swiftpod_step.self)
        }
        self.block = block
        instructions = assembler.instructions.count
        slots = (block + instructions * stride).bindMemory(to: Int32.self, capacity: slotCount)
        slots.update(repeating: -1, count: slotCount)
        self.slotCount = slotCount
        origins = assembler.instructions.map(\.origin)
        guardStep = assembler.instructions.firstIndex { $0.op == SWIFTPOD_GUARD } ?? 0
    }

    deinit {
        block.deallocate()
    }

    /// Puts a descriptor into a slot, for the child to inherit.
    private func fill(_ slot: Slot, with descriptor: Int32) {
        slots[Int(slot.index)] = descriptor
    }

    /// Fills the slots of what the caller has or may open. Returns what was opened: the launcher closes it.
    @discardableResult
    func open(_ inherited: [LaunchPlan.Inherited]) throws(SyscallError) -> [Int32] {
        var opened: [Int32] = []
        for one in inherited {
            if case .descriptor(let descriptor) = one.source {
                fill(one.slot, with: descriptor)
                continue
            }
            do throws(SyscallError) {
                opened.append(try one.source.open(step: guardStep))
            } catch {
                for descriptor in opened { close(descriptor) }
                throw error
            }
            fill(one.slot, with: opened[opened.count - 1])
        }
        return opened
    }

    /// The plan's step that an instruction belongs to.
    func origin(of instruction: Int) -> Int {
        origins.indices.contains(instruction) ? origins[instruction] : 0
    }

    /// Tells the trace, where there is one, what the instructions are.
    func describe(_ plan: LaunchPlan) {
        if StartTrace.memory != nil { StartTrace.describe(plan.steps.map(\.description), origins: origins) }
    }

    /// Performs it in this process. Returns what failed; nil at the end of a program that executes nothing.
    func become() -> swiftpod_report? {
        var program = native
        var report = swiftpod_report()
        return swiftpod_become(&program, &report) == 0 ? nil : report
    }

    /// The same with a command, and its streams, that come over a socket; nil: nobody tells them.
    func become(toldOver socket: Int32, streams: [Int16], _ command: inout swiftpod_command) -> swiftpod_report? {
        var program = native
        var report = swiftpod_report()
        return swiftpod_become_told(&program, streams, socket, &command, &report) == 0 ? nil : report
    }

    private var native: swiftpod_program {
        var program = swiftpod_program()
        program.steps = UnsafePointer(block.assumingMemoryBound(to: swiftpod_step.self))
        program.count = UInt32(instructions)
        program.slots = slots
        program.slot_count = UInt32(slotCount)
        program.channel = -1
        program.launcher_channel = -1
        return program
    }

    /// Clones the child.
    func launch(
        _ kinds: NamespaceKinds, cgroup: Int32, ends: (child: Int32, launcher: Int32)
    ) throws(SyscallError) -> (pid: Int32, pidfd: Int32) {
        var program = native
        program.channel = ends.child
        program.launcher_channel = ends.launcher
        program.trace = StartTrace.memory
        var pidfd: Int32 = -1
        let pid = try check("clone", kinds.names) {
            swiftpod_launch(&program, UInt64(UInt32(bitPattern: kinds.rawValue)), cgroup, &pidfd)
        }
        return (pid, pidfd)
    }
}

/// One `struct swiftpod_step` in the making.
struct Instruction {
    var op: swiftpod_op
    var flags: UInt16 = 0
    var input: Int16 = -1
    var output: Int16 = -1
    var tolerated: [Int32] = []
    var a: UInt64 = 0
    var b: UInt64 = 0
    var c: UInt64 = 0
    var n: UInt64 = 0
    /// Where its data begins in the assembler's bytes.
    var data: Int?
    var origin = 0

    /// Scratch slots, which no plan names, are numbered from -2 down until the plan's own count is known.
    func native(scratch: Int) -> swiftpod_step {
        var native = swiftpod_step()
        native.op = UInt16(op.rawValue)
        native.flags = flags
        native.in = input <= -2 ? Int16(scratch) - 2 - input : input
        native.out = output <= -2 ? Int16(scratch) - 2 - output : output
        func tolerated(_ index: Int) -> Int16 {
            index < self.tolerated.count ? Int16(self.tolerated[index]) : 0
        }
        native.tolerated = (tolerated(0), tolerated(1), tolerated(2), tolerated(3))
        native.a = a
        native.b = b
        native.c = c
        native.n = n
        return native
    }
}
