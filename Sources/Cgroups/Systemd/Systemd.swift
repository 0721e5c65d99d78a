import Glibc

/// The service manager, where it is one's.
public enum Systemd {
    /// It is this machine's process 1, sd_booted(3).
    public static var isRunning: Bool { access("/run/systemd/system", F_OK) == 0 }
}
