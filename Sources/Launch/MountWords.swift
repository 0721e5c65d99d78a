/// MOUNT_ATTR_* of mount_setattr(2).
struct MountAttributes: OptionSet, Hashable, Sendable, CustomStringConvertible {
    let rawValue: UInt64

    static let readOnly = MountAttributes(rawValue: 0x1)
    static let noSetuid = MountAttributes(rawValue: 0x2)
    static let noDevices = MountAttributes(rawValue: 0x4)
    static let noExecute = MountAttributes(rawValue: 0x8)
    static let noAccessTime = MountAttributes(rawValue: 0x10)
    static let strictAccessTime = MountAttributes(rawValue: 0x20)
    /// The field that the access time's three values share, relatime being 0.
    static let accessTimeField = MountAttributes(rawValue: 0x70)
    static let noDirectoryAccessTime = MountAttributes(rawValue: 0x80)
    static let noSymlinks = MountAttributes(rawValue: 0x20_0000)

    var description: String {
        let names: [(MountAttributes, String)] = [
            (.readOnly, "ro"), (.noSetuid, "nosuid"), (.noDevices, "nodev"), (.noExecute, "noexec"),
            (.noAccessTime, "noatime"), (.strictAccessTime, "strictatime"), (.noDirectoryAccessTime, "nodiratime"),
            (.noSymlinks, "nosymfollow"),
        ]
        return names.filter { contains($0.0) }.map(\.1).joined(separator: ",")
    }
}

/// How mounts made below one are seen elsewhere, MS_* of mount(2).
enum Propagation: UInt64, Equatable, Sendable {
    case unbindable = 0x2_0000
    case `private` = 0x4_0000
    case slave = 0x8_0000
    case shared = 0x10_0000
}

/// A mount's options, sorted by who acts on them.
struct MountWords: Equatable, Sendable {
    var isBind = false
    var isRecursive = false
    var set: MountAttributes = []
    var clear: MountAttributes = []
    var recursiveSet: MountAttributes = []
    var recursiveClear: MountAttributes = []
    var propagation: Propagation?
    var propagationIsRecursive = false
    var copiesUp = false
    /// Owners are mapped; with what is mounted below.
    var isMapped = false
    var mapsEverywhere = false
    /// For the file system itself.
    var parameters: [String] = []

    /// Reads the words of the runtime specification's table of mount options.
    init(_ words: [String]) {
        for word in words {
            if read(general: word) || read(attribute: word) || read(propagation: word) { continue }
            parameters.append(word)
        }
    }

    private mutating func read(general word: String) -> Bool {
        switch word {
        case "bind": isBind = true
        case "rbind": (isBind, isRecursive) = (true, true)
        case "tmpcopyup": copiesUp = true
        case "notmpcopyup": copiesUp = false
        case "idmap": isMapped = true
        case "ridmap": (isMapped, mapsEverywhere) = (true, true)
        // The kernel keeps these by file system, not by mount: below a bind they change nothing.
        case "rsync", "rdirsync", "rmand", "rlazytime": parameters.append(String(word.dropFirst()))
        case "rasync", "rnomand", "rnolazytime", "rdefaults": break
        // What the kernel does anyway, or no longer knows.
        case "", "defaults", "async", "nolazytime", "nomand", "noiversion", "loud", "silent", "remount": break
        default: return false
        }
        return true
    }

    private mutating func read(attribute word: String) -> Bool {
        if let known = MountWords.attribute(word) {
            set.subtract(known.clear)
            clear.subtract(known.set)
            set.formUnion(known.set)
            clear.formUnion(known.clear)
        } else if word.hasPrefix("r"), let known = MountWords.attribute(String(word.dropFirst())) {
            recursiveSet.subtract(known.clear)
            recursiveClear.subtract(known.set)
            recursiveSet.formUnion(known.set)
            recursiveClear.formUnion(known.clear)
        } else {
            return false
        }
        return true
    }

    private mutating func read(propagation word: String) -> Bool {
        let isRecursive = word.hasPrefix("r")
        switch isRecursive ? String(word.dropFirst()) : word {
        case "private": propagation = .private
        case "slave": propagation = .slave
        case "shared": propagation = .shared
        case "unbindable": propagation = .unbindable
        default: return false
        }
        propagationIsRecursive = isRecursive
        return true
    }

    /// Every word of the specification's table, and what else is acted on here rather than by the file system.
    fileprivate static var known: [String] {
        let attributes =
            "ro rw nosuid suid nodev dev noexec exec nodiratime diratime nosymfollow symfollow noatime strictatime atime "
            + "relatime norelatime nostrictatime private slave shared unbindable"
        let words = attributes.split(separator: " ").map(String.init).filter { word in
            attribute(word) != nil || ["private", "slave", "shared", "unbindable"].contains(word)
        }
        let general = [
            "bind", "rbind", "tmpcopyup", "notmpcopyup", "idmap", "ridmap", "defaults", "async", "sync", "dirsync",
            "mand",
            "nomand", "lazytime", "nolazytime", "iversion", "noiversion", "loud", "silent", "remount",
        ]
        return general + words.flatMap { [$0, "r" + $0] }
    }

    /// A switch, because a dictionary would cost its making at every start.
    private static func attribute(_ word: String) -> (set: MountAttributes, clear: MountAttributes)? {
        switch word {
        case "ro": (.readOnly, [])
        case "rw": ([], .readOnly)
        case "nosuid": (.noSetuid, [])
        case "suid": ([], .noSetuid)
        case "nodev": (.noDevices, [])
        case "dev": ([], .noDevices)
        case "noexec": (.noExecute, [])
        case "exec": ([], .noExecute)
        case "nodiratime": (.noDirectoryAccessTime, [])
        case "diratime": ([], .noDirectoryAccessTime)
        case "nosymfollow": (.noSymlinks, [])
        case "symfollow": ([], .noSymlinks)
        // The three access time modes are one field, cleared whole and set anew.
        case "noatime": (.noAccessTime, [.accessTimeField])
        case "strictatime": (.strictAccessTime, [.accessTimeField])
        case "atime", "relatime", "norelatime", "nostrictatime": ([], [.accessTimeField])
        default: nil
        }
    }
}

extension LaunchPlan {
    /// The option words of mounts that are known, for `features`.
    public static var mountOptions: [String] { MountWords.known.sorted() }
}
