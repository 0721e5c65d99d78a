import CShims
import Glibc
import LinuxKernel

/// A regular file that a tree needs, with the ids of the host.
struct FileToMake {
    var object: ObjectID?
    var size: Int64
    var metadata: FileMetadata
}

/// How regular files come into a tree.
protocol ContentSource {
    /// Each file is made by itself, without a look at the others, and nothing else is: several threads may do it, in the
    /// names of the files' owners.
    var makesFilesApart: Bool { get }

    /// Makes the file. `owner` is who new files belong to; nil where they have not just the mode that was asked for either.
    mutating func make(
        _ name: [CChar], in directory: Int32, _ file: FileToMake, owner: (uid: UInt32, gid: UInt32)?) throws
}

extension ContentSource {
    /// Makes an empty file, which is the right one but for owner, attributes and time; `describe` is to follow.
    func create(_ name: [CChar], in directory: Int32, _ metadata: FileMetadata) throws(SyscallError) -> OwnedDescriptor
    {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        return OwnedDescriptor(
            adopting: try check("open", "") { swiftpod_openat(directory, name, flags, metadata.mode) })
    }

    /// Sets owner, mode, attributes and times of an open file or directory.
    ///
    /// The order matters: a change of the owner clears setuid and setgid bits and file capabilities, and so does a
    /// change of the content before that.
    /// - Parameter owner: Who made the file, with its mode; nil where neither is right yet.
    func describe(
        _ descriptor: Int32, _ metadata: FileMetadata, createdBy owner: (uid: UInt32, gid: UInt32)?
    ) throws(SyscallError) {
        if owner.map({ $0 != (metadata.uid, metadata.gid) }) ?? true {
            try check("chown", "") { fchown(descriptor, metadata.uid, metadata.gid) }
        }
        // A file may have lost them to its truncation too, where its maker has no CAP_FSETID on the host.
        if owner == nil || metadata.mode & 0o6000 != 0 {
            try check("chmod", "") { fchmod(descriptor, metadata.mode) }
        }
        for attribute in metadata.attributes {
            let result = swiftpod_setxattr(descriptor, attribute.name, attribute.value, attribute.value.count)
            // A file system without such attributes, or capabilities without the right to give them.
            if result != 0, errno != EOPNOTSUPP, errno != EPERM { throw SyscallError("setxattr", attribute.name) }
        }
        let time = metadata.modified
        try check("futimens", "") { swiftpod_set_time_of(descriptor, time.seconds, Int(time.nanoseconds)) }
    }
}

extension [UInt8] {
    /// With a terminating zero. Names from archives hold none themselves.
    var cString: [CChar] { map { CChar(bitPattern: $0) } + [0] }
}
