/// `1.25` for 1.2468 and two digits.
package func decimal(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((value * scale).rounded())
    if digits == 0 { return "\(scaled)" }
    let whole = abs(scaled) / Int64(scale)
    let rest = "\(abs(scaled) % Int64(scale))"
    return (scaled < 0 ? "-" : "") + "\(whole)." + String(repeating: "0", count: digits - rest.utf8.count) + rest
}

/// `12 %`.
func percent(_ part: Double) -> String { decimal(part * 100, 0) + " %" }
