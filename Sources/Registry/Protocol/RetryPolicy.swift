import Glibc

/// How often and after how long a request is repeated. Times are seconds.
package struct RetryPolicy: Equatable, Sendable {
    /// Repetitions after the first attempt.
    package var limit: Int
    /// Before the first repetition; doubled for each further one.
    package var delay: Double
    /// No wait is longer, whatever the server asks for.
    package var longestDelay: Double

    package init(limit: Int, delay: Double, longestDelay: Double = 60) {
        self.limit = limit
        self.delay = delay
        self.longestDelay = longestDelay
    }

    /// Statuses that time may cure.
    package static func isTransient(_ status: Int) -> Bool {
        status == 408 || status == 429 || (500...599).contains(status) && status != 501 && status != 505
    }

    /// The wait before a repetition.
    ///
    /// - Parameters:
    ///   - attempt: 0 before the first repetition.
    ///   - retryAfter: the server's header, seconds or an HTTP date.
    ///   - now: seconds since 1970.
    ///   - jitter: 0…1; spreads clients that failed together.
    package func wait(attempt: Int, retryAfter: String? = nil, now: Double, jitter: Double) -> Double {
        if let retryAfter, let asked = RetryPolicy.seconds(retryAfter, now: now) {
            return min(max(asked, 0), longestDelay)
        }
        var wait = delay
        for _ in 0..<min(attempt, 16) { wait *= 2 }
        return min(wait * (0.75 + 0.5 * jitter), longestDelay)
    }

    /// `Retry-After` as seconds from now; nil where it is neither number nor date.
    package static func seconds(_ header: String, now: Double) -> Double? {
        if let seconds = Double(header), seconds.isFinite { return seconds }
        return httpDate(header).map { Double($0) - now }
    }

    /// An HTTP date of the only form in use, `Sun, 06 Nov 1994 08:49:37 GMT`, as seconds since 1970.
    package static func httpDate(_ text: String) -> Int? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let words = text.split(separator: " ")
        guard words.count == 6, words[0].hasSuffix(","), words[5] == "GMT" || words[5] == "UTC",
            let day = Int32(words[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(words[2])), let year = Int32(words[3]), year >= 1970
        else { return nil }
        let clock = words[4].split(separator: ":").map { Int32($0) }
        guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2],
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        var fields = tm()
        fields.tm_year = year - 1900
        fields.tm_mon = Int32(month)
        fields.tm_mday = day
        fields.tm_hour = hour
        fields.tm_min = minute
        fields.tm_sec = second
        return timegm(&fields)
    }
}

/// `Content-Range: bytes FIRST-LAST/TOTAL`.
package struct ContentRange: Equatable {
    package var first: Int64
    package var last: Int64
    /// nil for `*`.
    package var total: Int64?

    package init?(_ header: String) {
        let words = header.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let parts = words[1].split(separator: "/")
        let range = parts.first?.split(separator: "-") ?? []
        guard parts.count == 2, range.count == 2, let first = Int64(range[0]), let last = Int64(range[1]),
            first >= 0, last >= first
        else { return nil }
        self.first = first
        self.last = last
        total = Int64(parts[1])
        guard total != nil || parts[1] == "*" else { return nil }
    }
}
