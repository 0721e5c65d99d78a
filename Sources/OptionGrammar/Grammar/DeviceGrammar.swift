import ContainerEngine
import DeviceInjection
import OCISpec

extension RunOptions {
    /// `--device`: a name of the Container Device Interface, or a path.
    mutating func take(device text: String) throws(CommandError) {
        if !text.hasPrefix("/"), text.utf8.contains(UInt8(ascii: "=")) {
            do throws(CDIError) {
                configuration.namedDevices.append(try CDIName(text))
            } catch { throw CommandError(error.message) }
            return
        }
        configuration.devices.append(try DeviceRequest(text, caller: caller))
    }

    /// `--gpus`.
    mutating func take(gpus text: String) throws(CommandError) {
        do throws(CDIError) {
            configuration.gpus.append(try GPURequest(text))
        } catch { throw CommandError(error.message) }
    }
}

/// `--device-cgroup-rule "TYPE MAJOR:MINOR MODE"`, as a rule of the runtime specification.
package func parseDeviceRule(_ text: String) throws(CommandError) -> JSON {
    let words = text.split(separator: " ").map(String.init)
    guard words.count == 3, ["a", "b", "c"].contains(words[0]) else {
        throw CommandError("invalid device cgroup rule format: \(quoted(text))")
    }
    let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard numbers.count == 2, !words[2].isEmpty, words[2].allSatisfy("rwm".contains),
        Set(words[2]).count == words[2].count
    else { throw CommandError("invalid device cgroup rule format: \(quoted(text))") }
    var members: [JSON.Member] = [.init("allow", true), .init("type", .string(words[0]))]
    for (name, word) in zip(["major", "minor"], numbers) where word != "*" {
        members.append(.init(name, .integer(Int64(try parseInteger(word, as: UInt32.self)))))
    }
    members.append(.init("access", .string(words[2])))
    return .object(members)
}
