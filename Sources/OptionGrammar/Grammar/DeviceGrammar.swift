import ContainerEngine
import DeviceInjection

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
