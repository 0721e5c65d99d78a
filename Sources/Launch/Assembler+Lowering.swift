import CShims
import Glibc
import LinuxKernel

/// Steps that are one instruction each.
extension Assembler {
    mutating func lowerRendezvous(_ action: Step.Action, _ to: inout Instruction) -> Bool {
        switch action {
        case .awaitLauncher: to.op = SWIFTPOD_AWAIT
        case .reach(let moment):
            to.op = SWIFTPOD_REACH
            to.a = UInt64(moment.rawValue)
        case .announceStart: to.op = SWIFTPOD_STARTS
        case .acceptStarter(let slot, let first, let kept):
            to.op = SWIFTPOD_ACCEPT
            (to.input, to.b) = (slot.index, UInt64(first))
            if let kept { (to.a, to.c) = (1, UInt64(kept.index)) }
        case .cloneSibling(let kinds, let cgroup):
            to.op = SWIFTPOD_CLONE
            to.a = kinds.bits
            if let cgroup { (to.b, to.c) = (1, UInt64(cgroup.index)) }
        case .enter(let kinds, let slot):
            to.op = SWIFTPOD_ENTER
            to.input = slot.index
            to.a = kinds.bits
        case .unshare(let kinds):
            to.op = SWIFTPOD_UNSHARE
            to.a = kinds.bits
        case .isolate(let kinds, let maps):
            to.op = SWIFTPOD_ISOLATE
            to.a = kinds.bits
            to.data = put(maps)
        case .setHostname(let name):
            to.op = SWIFTPOD_HOSTNAME
            (to.data, to.n) = (put(name), UInt64(name.utf8.count))
        case .setDomainname(let name):
            to.op = SWIFTPOD_DOMAINNAME
            (to.data, to.n) = (put(name), UInt64(name.utf8.count))
        case .raiseLoopback: to.op = SWIFTPOD_LOOPBACK
        default: return false
        }
        return true
    }

    mutating func lowerIdentity(_ action: Step.Action, _ to: inout Instruction) -> Bool {
        switch action {
        case .becomeUser(let uid, let gid):
            to.op = SWIFTPOD_SET_IDS
            (to.a, to.b) = (UInt64(uid), UInt64(gid))
        case .setGroups(let groups):
            to.op = SWIFTPOD_GROUPS
            (to.data, to.n) = (put(groups), UInt64(groups.count))
        case .setLimit(let limit):
            to.op = SWIFTPOD_RLIMIT
            (to.a, to.b, to.c) = (UInt64(limit.number), limit.soft, limit.hard)
        case .bound(let mask, let last):
            to.op = SWIFTPOD_BOUNDING
            (to.a, to.b) = (mask.bits, UInt64(last))
        case .raiseCapabilities: to.op = SWIFTPOD_RAISE
        case .setCapabilities(let effective, let permitted, let inheritable):
            to.op = SWIFTPOD_CAPABILITIES
            (to.a, to.b, to.c) = (effective.bits, permitted.bits, inheritable.bits)
        case .setAmbient(let mask, let last):
            to.op = SWIFTPOD_AMBIENT
            (to.a, to.b) = (mask.bits, UInt64(last))
        case .control(let control):
            to.op = SWIFTPOD_PRCTL
            switch control {
            case .keepCapabilities: (to.a, to.b) = (UInt64(PR_SET_KEEPCAPS), 1)
            case .noNewPrivileges: (to.a, to.b) = (UInt64(PR_SET_NO_NEW_PRIVS), 1)
            case .notDumpable: (to.a, to.b) = (UInt64(PR_SET_DUMPABLE), 0)
            case .parentDeathSignal(let signal): (to.a, to.b) = (UInt64(PR_SET_PDEATHSIG), UInt64(signal))
            }
        case .call(let call):
            to.op = SWIFTPOD_SYSCALL
            to.data = put(call)
        case .filter(let program, let flags, let hasListener):
            to.op = SWIFTPOD_SECCOMP
            to.b = hasListener ? 1 : 0
            (to.data, to.n, to.a) = (put(program), UInt64(program.count / 8), UInt64(flags))
        case .setUmask(let mask):
            to.op = SWIFTPOD_UMASK
            to.a = UInt64(mask)
        case .expectParent(let pid, let signal):
            to.op = SWIFTPOD_PARENT
            (to.a, to.b) = (UInt64(pid), UInt64(signal))
        default: return false
        }
        return true
    }

    mutating func lowerFile(_ action: Step.Action, _ to: inout Instruction) -> Bool {
        switch action {
        case .open(let path, let kind, let directory, let slot):
            to.op = SWIFTPOD_OPEN
            to.input = directory?.index ?? -1
            to.output = slot.index
            to.data = put(path)
            to.a = kind.flags
            to.b = directory == nil ? 0 : PathResolution([.inRoot, .noMagicLinks]).rawValue
        case .makeDirectory(let path, let root, let uid, let gid):
            to.op = SWIFTPOD_TARGET
            to.input = root.index
            to.data = put(path)
            (to.a, to.b, to.c) = (0o040755, UInt64(uid), UInt64(gid))
        case .write(let text, let path, let proc):
            to.op = SWIFTPOD_WRITE
            to.input = proc.index
            (to.data, to.n) = (put(path, text), UInt64(text.utf8.count))
        case .link(let target, let path, let root):
            to.op = SWIFTPOD_SYMLINK
            to.input = root.index
            to.data = put(path, target)
        case .makeNode(let node, let root):
            to.op = SWIFTPOD_NODE
            to.input = root.index
            to.data = put(node.path)
            (to.a, to.b, to.c) = (UInt64(node.mode), node.number.packed, UInt64(node.uid) << 32 | UInt64(node.gid))
        case .changeDirectory(let path):
            to.op = SWIFTPOD_CHDIR
            to.data = put(path)
        default: return false
        }
        return true
    }

    mutating func lowerMount(_ action: Step.Action, _ to: inout Instruction) -> Bool {
        switch action {
        case .takeTree(let source, let recursive, let slot):
            to.op = SWIFTPOD_TREE
            to.output = slot.index
            to.a = recursive ? 1 : 0
            switch source {
            case .path(let path): to.data = put(path)
            case .slot(let from): to.input = from.index
            case .entry(let name, let directory):
                to.input = directory.index
                to.data = put(name)
            }
        case .change(let target, let change):
            to.op = SWIFTPOD_ATTRIBUTES
            switch target {
            case .slot(let slot, _): to.input = slot.index
            case .path(let path): to.data = put(path)
            }
            (to.a, to.b, to.c) = (change.set.rawValue, change.clear.rawValue, change.propagation?.rawValue ?? 0)
            to.n = change.recursive ? 1 : 0
        case .cover(let target, let tree, _):
            to.op = SWIFTPOD_MOVE
            (to.input, to.a) = (tree.index, UInt64(target.index))
        case .attach(let tree, let path, let root):
            to.op = SWIFTPOD_ATTACH
            (to.input, to.a, to.data) = (tree.index, UInt64(root.index), put(path))
        case .copyUp(let path, let root, let tree):
            to.op = SWIFTPOD_COPY_UP
            (to.input, to.a, to.data) = (tree.index, UInt64(root.index), put(path))
        case .mask(let path, let root, let directory, let file):
            to.op = SWIFTPOD_MASK
            (to.input, to.data) = (root.index, put(path))
            (to.a, to.b) = (UInt64(directory.index), UInt64(file.index))
        case .makeReadOnly(let path, let root):
            to.op = SWIFTPOD_READ_ONLY
            (to.input, to.data) = (root.index, put(path))
        case .enterRoot(let root, let pivots):
            to.op = SWIFTPOD_PIVOT
            (to.input, to.a) = (root.index, pivots ? 0 : 1)
        default: return false
        }
        return true
    }

    mutating func lowerDescriptor(_ action: Step.Action, _ to: inout Instruction) {
        switch action {
        case .openTerminal(let master, let size, let slot):
            to.op = SWIFTPOD_PTY
            (to.input, to.output) = (master.index, slot.index)
            if let size { to.a = UInt64(size.rows) << 16 | UInt64(size.columns) }
        case .own(let slot, let uid, let gid, let pipesOnly):
            to.op = SWIFTPOD_OWN
            (to.input, to.a, to.b, to.n) = (slot.index, UInt64(uid), UInt64(gid ?? .max), pipesOnly ? 1 : 0)
        case .startSession: to.op = SWIFTPOD_SESSION
        case .controlTerminal(let slot):
            to.op = SWIFTPOD_CONTROL
            to.input = slot.index
        case .copy(let from, let above, let slot):
            to.op = SWIFTPOD_COPY
            (to.input, to.output, to.a) = (from.index, slot.index, UInt64(above))
        case .place(let slot, let number):
            to.op = SWIFTPOD_PLACE
            (to.input, to.a) = (slot.index, UInt64(number))
        case .keep(let first, let last):
            to.op = SWIFTPOD_KEEP
            (to.a, to.b) = (UInt64(first), UInt64(last))
        case .seal(let from):
            to.op = SWIFTPOD_SEAL
            to.a = UInt64(from)
        case .executeGuarded(_, let guardian, let channel):
            to.op = SWIFTPOD_GUARD
            (to.input, to.a) = (guardian.index, UInt64(channel))
        case .reap(let mask):
            to.op = SWIFTPOD_REAPER
            to.a = mask.bits
        default: preconditionFailure("a step without an instruction: \(action)")
        }
    }
}

extension NamespaceKinds {
    fileprivate var bits: UInt64 { UInt64(UInt32(bitPattern: rawValue)) }
}

extension OpenKind {
    /// O_* bits; O_PATH is Linux's own and not in what Swift sees of libc.
    fileprivate var flags: UInt64 {
        switch self {
        case .path: 0o1000_0000
        case .directory: 0o1000_0000 | UInt64(O_DIRECTORY)
        case .realDirectory: 0o1000_0000 | UInt64(O_DIRECTORY | O_NOFOLLOW)
        case .readWrite: UInt64(O_RDWR | O_NOCTTY)
        }
    }
}
