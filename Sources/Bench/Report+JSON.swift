import OCISpec

extension Report {
    /// Everything, every single run included: seconds and bytes.
    var document: JSON {
        JSON(members: [
            "machine": JSON(members: [
                "kernel": .string(machine.kernel), "processor": .string(machine.processor),
                "processors": machine.processors.json, "memory": .string(machine.memory),
                "user": .string(machine.user), "store": .string(machine.store),
                "versions": .object(machine.versions.map { JSON.Member($0.name, .string($0.version)) }),
            ]),
            "noise": .array(noise.map(JSON.string)), "omitted": .array(omitted.map(JSON.string)),
            "scenarios": .array(outcomes.map(scenario)),
        ])
    }

    private func scenario(_ outcome: Outcome) -> JSON {
        JSON(members: [
            "key": .string(outcome.key), "title": .string(outcome.title),
            "noise": .array(outcome.noise.map(JSON.string)),
            "rows": .array(outcome.series.map(row)),
            "figures": .array(
                outcome.figures.map {
                    JSON(members: ["name": .string($0.name), "value": .number($0.value), "unit": .string($0.unit)])
                }),
        ])
    }

    private func row(_ series: Series) -> JSON {
        let walls = series.walls
        return JSON(members: [
            "name": .string(series.row.name), "kind": .string(series.row.kind.rawValue),
            "floor": series.row.floor.map(JSON.string),
            "min": .number(walls.min() ?? 0), "median": .number(series.median),
            "p95": .number(quantile(walls, 0.95)), "p99": .number(quantile(walls, 0.99)),
            "cpu": .number(series.cpu), "peak": .integer(Int64(series.peak)),
            "wall": .array(walls.map(JSON.number)), "rates": .array(series.rates.map(JSON.number)),
            "failures": .array(series.failures.map(JSON.string)),
        ])
    }
}
