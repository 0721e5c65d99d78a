import Glibc
import Launch
import LinuxKernel

extension Engine {
    /// What `run` would tell the kernel, one line for each step, in order. Nothing is run and no container is made; the
    /// image is pulled as the policy says, and its files are made, as a start would find them.
    ///
    /// - Throws: whatever `run` would refuse before it starts something.
    public func plan(_ configuration: ContainerConfiguration) throws(EngineError) -> String {
        let origin = try prepare(configuration)
        let id = ContainerID.make()
        let created = Timestamp.now()
        let identity = ContainerIdentity(
            id: id, name: configuration.name ?? ContainerID.makeName(), directory: session.layout.container(id),
            created: created.description)
        let specification = try specify(configuration, origin, identity)
        let record = ContainerRecord(identity, configuration, origin, specification, created: created)
        var options = try launchOptions(record)
        if !record.interactive { options.input = nil }
        options.inPlace = WorkerPolicy.obstacle(to: configuration, AttachedStreams()) == nil
        if options.inPlace { options.parentDeathSignal = nil }
        let joins = try openJoins(specification.joins)
        defer { for join in joins { close(join.descriptor) } }
        for join in joins { options.joined.append(.init(join.kinds, descriptor: join.descriptor)) }
        if NetworkConnection(record, layout: session.layout).isNeeded { options.moments.insert(.created) }
        return try plan(record, options, terminal: nil).description
    }
}
