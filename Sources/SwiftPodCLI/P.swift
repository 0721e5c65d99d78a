import Glibc
import Registry

public func commandMain() -> Never {
    exit(0)
}
