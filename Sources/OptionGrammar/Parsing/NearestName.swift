/// The known name that a mistyped one most likely meant, or nil when none is near.
///
/// The distance is Damerau's: inserted, removed, replaced and swapped letters. A third of the word may be wrong.
package func nearestName(to name: String, among known: [String]) -> String? {
    let limit = max(1, name.utf8.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in known {
        let distance = editDistance(Array(name.utf8), Array(candidate.utf8))
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    if let best { return best.name }
    // `--vol` for `--volume`: a prefix is a hint where it is the only one.
    let longer = known.filter { $0.hasPrefix(name) }
    return longer.count == 1 ? longer[0] : nil
}

private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforePrevious: [Int] = []
    var previous = Array(0...b.count)
    for i in 1...a.count {
        var current = [i]
        for j in 1...b.count {
            let cost = a[i - 1] == b[j - 1] ? 0 : 1
            var value = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                value = min(value, beforePrevious[j - 2] + 1)
            }
            current.append(value)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[b.count]
}
