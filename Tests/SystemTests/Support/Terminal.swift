import Foundation

/// A terminal with a person at it: what it types, what it sees, and the state the terminal is left in.
final class Terminal: @unchecked Sendable {
    private let master: Int32
    let path: String
    private var bytes: [UInt8] = []

    init(rows: UInt16 = 24, columns: UInt16 = 80, for account: Account) throws {
        // glibc's posix_openpt and its friends are hidden from Swift; these are the calls behind them.
        let (unlock, number): (UInt, UInt) = (0x4004_5431 /* TIOCSPTLCK */, 0x8004_5430 /* TIOCGPTN */)
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var locked: Int32 = 0
        var index: UInt32 = 0
        guard master >= 0, ioctl(master, unlock, &locked) == 0, ioctl(master, number, &index) == 0 else {
            throw Failure("open a terminal: \(String(cString: strerror(errno)))")
        }
        self.master = master
        path = "/dev/pts/\(index)"
        _ = fcntl(master, F_SETFD, FD_CLOEXEC)
        chown(path, account.uid, account.gid)
        resize(rows: rows, columns: columns)
    }

    deinit { close(master) }

    func resize(rows: UInt16, columns: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    func type(_ text: String) {
        let data = Array(text.utf8)
        _ = data.withUnsafeBytes { write(master, $0.baseAddress!, $0.count) }
    }

    /// All that was shown so far.
    var screen: String {
        while true {
            var polls = [pollfd(fd: master, events: Int16(POLLIN), revents: 0)]
            guard poll(&polls, 1, 0) > 0, polls[0].revents & Int16(POLLIN) != 0 else { break }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let n = read(master, &chunk, chunk.count)
            guard n > 0 else { break }
            bytes += chunk[0..<n]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func shows(_ text: String, seconds: Double = 20) -> Bool {
        eventually(seconds: seconds) { self.screen.contains(text) }
    }

    /// Forgets what was shown.
    func clear() {
        _ = screen
        bytes = []
    }

    /// The terminal's modes, as numbers that can be compared.
    var modes: [UInt32] {
        var t = termios()
        tcgetattr(master, &t)
        return [t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag]
    }

    /// Lines are edited and typed characters shown, as a shell leaves it.
    var isCooked: Bool { modes[3] & UInt32(ICANON | ECHO) == UInt32(ICANON | ECHO) }
}
