import Glibc
import Registry
public func commandMain() -> Never {
    #if Registry
    print("with registry")
    if CommandLine.arguments.count > 1 { 
        let u = CommandLine.arguments[1]
        Task.detached { do { print(try await ping(u)) } catch { print(error) }; exit(0) }
        while true { pause() }
    }
    #else
    print("no registry")
    #endif
    exit(0)
}
