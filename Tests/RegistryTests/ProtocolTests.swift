import OCISpec
import Registry
import Testing

@Suite struct ProtocolTests {
    @Test(
        "challenges",
        arguments: [
            (
                #"Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push""#,
                ["bearer realm=https://auth.example/token scope=repository:a/b:pull,push service=r.example"]
            ),
            (#"Basic realm="a \"b\" c""#, [#"basic realm=a "b" c"#]),
            ("Basic", ["basic"]),
            (
                #"Negotiate, Basic realm="x", Bearer realm=https://a.example/t"#,
                ["negotiate", "basic realm=x", "bearer realm=https://a.example/t"]
            ),
            (#"BEARER Realm = "x" , Service = y"#, ["bearer realm=x service=y"]),
            (#"Bearer realm="unclosed"#, ["bearer realm=unclosed"]),
            ("", []),
            (",,,", []),
            ("=x", []),
        ])
    func challenges(header: String, expected: [String]) {
        let challenges = AuthenticationChallenge.parse(header).map { challenge in
            ([challenge.scheme] + challenge.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
                .joined(separator: " ")
        }
        #expect(challenges == expected)
    }

    @Test func tokenRequests() throws {
        let bearer = AuthenticationChallenge.parse(#"Bearer realm="https://a.example/t",service="s""#)[0]
        let request = try #require(TokenRequest(bearer, fallbackScope: "repository:x:pull"))
        #expect(request.service == "s" && request.scope == "repository:x:pull")
        #expect(TokenRequest(AuthenticationChallenge.parse("Bearer service=\"s\"")[0], fallbackScope: nil) == nil)
        #expect(TokenRequest(AuthenticationChallenge.parse("Basic realm=\"s\"")[0], fallbackScope: nil) == nil)
    }

    @Test(
        "retry-after",
        arguments: [
            ("0", 0), ("7", 7), ("3600", 60), ("-5", 0), ("1.5", 1.5),
            ("Sun, 06 Nov 1994 08:49:47 GMT", 10), ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
            ("Mon, 07 Nov 1994 08:49:37 GMT", 60), ("soon", 2), ("Sun, 66 Nov 1994 08:49:47 GMT", 2), ("nan", 2),
        ])
    func retryAfter(header: String, seconds: Double) {
        let policy = RetryPolicy(limit: 3, delay: 2)
        // 784111777 is Sun, 06 Nov 1994 08:49:37 GMT.
        #expect(policy.wait(attempt: 0, retryAfter: header, now: 784_111_777, jitter: 0.5) == seconds)
    }

    @Test func backoffGrowsAndIsBounded() {
        let policy = RetryPolicy(limit: 9, delay: 1)
        #expect([0, 1, 2, 5, 6, 1000].map { policy.wait(attempt: $0, now: 0, jitter: 0.5) } == [1, 2, 4, 32, 60, 60])
        #expect(policy.wait(attempt: 1, now: 0, jitter: 0) == 1.5)
        #expect(policy.wait(attempt: 1, now: 0, jitter: 1) == 2.5)
    }

    @Test func transientStatuses() {
        #expect([408, 429, 500, 502, 503, 504, 520].allSatisfy(RetryPolicy.isTransient))
        #expect(![200, 206, 301, 400, 401, 403, 404, 416, 501, 505].contains(where: RetryPolicy.isTransient))
    }

    @Test(
        "content ranges",
        arguments: [
            ("bytes 5-9/10", [5, 9, 10]), ("bytes 0-0/1", [0, 0, 1]), ("bytes 5-9/*", [5, 9, -1]), ("bytes */10", nil),
            ("bytes 9-5/10", nil), ("items 5-9/10", nil), ("", nil), ("bytes 5-9", nil),
        ] as [(String, [Int64]?)])
    func contentRanges(header: String, expected: [Int64]?) {
        #expect(ContentRange(header).map { [$0.first, $0.last, $0.total ?? -1] } == expected)
    }

    @Test(
        "locations",
        arguments: [
            ("https://cdn.example/x?y=1#z", "https://cdn.example/x?y=1"),
            ("HTTPS://CDN.example", "https://cdn.example/"),
            ("//cdn.example:8443/x", "https://cdn.example:8443/x"),
            ("/other?a=b", "https://r.example:5000/other?a=b"),
            ("sibling", "https://r.example:5000/v2/x/blobs/sibling"),
            ("?token=1", "https://r.example:5000/v2/x/blobs/d?token=1"),
            ("http://[::1]:81/x", "http://[::1]:81/x"),
            ("https://cdn.example:443/x", "https://cdn.example/x"),
            ("ftp://cdn.example/x", nil), ("https://user@cdn.example/x", nil), ("https://", nil), ("", nil),
            ("https://cdn.example:0/", nil), ("https://cdn.example:99999/", nil), ("https://cdn.example/\u{e9}", nil),
            ("/a b", nil),
        ] as [(String, String?)])
    func locations(location: String, expected: String?) throws {
        let base = try #require(RegistryURL(scheme: .https, registry: "r.example:5000", path: "/v2/x/blobs/d?ns=1"))
        #expect(base.resolving(location)?.description == expected)
    }

    @Test func origins() throws {
        let base = try #require(RegistryURL(parsing: "https://r.example/a"))
        for (text, same) in [
            ("https://R.example:443/b", true), ("http://r.example/a", false), ("https://r.example:444/a", false),
            ("https://a.r.example/a", false), ("http://r.example:443/a", false),
        ] {
            #expect(try #require(RegistryURL(parsing: text)).hasSameOrigin(as: base) == same, "\(text)")
        }
        #expect(RegistryURL(scheme: .https, registry: "docker.io", path: "/v2/")?.host == "registry-1.docker.io")
    }

    @Test func queries() throws {
        var url = try #require(RegistryURL(parsing: "https://a.example/token"))
        url.add("service", "r.example")
        url.add("scope", "repository:a/b:pull c&d=\u{e9}")
        #expect(url.path == "/token?service=r.example&scope=repository%3Aa%2Fb%3Apull%20c%26d%3D%C3%A9")
    }

    @Test(
        "proxies",
        arguments: [
            ("https://r.example/", "secure.example:3128"), ("http://r.example/", "plain.example:80"),
            ("https://localhost/", nil), ("https://127.0.0.5:99/", nil), ("http://[::1]/", nil),
            ("https://in.example/", nil), ("https://a.in.example/", nil),
            ("https://inin.example/", "secure.example:3128"),
            ("https://dot.example/", "secure.example:3128"), ("https://a.dot.example/", nil),
            ("https://port.example/", "secure.example:3128"), ("https://port.example:5000/", nil),
            ("https://10.1.2.3/", nil), ("https://10.2.2.3/", "secure.example:3128"), ("https://192.168.7.7/", nil),
        ] as [(String, String?)])
    func proxies(url: String, expected: String?) throws {
        let environment = RegistryEnvironment(
            variables: [
                "HTTPS_PROXY": "http://me:s%40crt@secure.example:3128", "http_proxy": "plain.example/",
                "NO_PROXY": "in.example, .dot.example,port.example:5000,10.1.0.0/16,192.168.7.7",
            ], userID: 0, home: "/")
        let settings = try ProxySettings(environment)
        let proxy = settings.proxy(for: try #require(RegistryURL(parsing: url)))
        #expect(proxy.map { "\($0.host):\($0.port)" } == expected)
        if url == "https://r.example/" { #expect(proxy?.username == "me" && proxy?.password == "s@crt") }
    }

    @Test func noProxyAtAll() throws {
        let star = try ProxySettings(
            RegistryEnvironment(variables: ["https_proxy": "http://p.example", "no_proxy": "*"], userID: 0, home: "/"))
        #expect(star.proxy(for: try #require(RegistryURL(parsing: "https://r.example/"))) == nil)
        #expect(throws: RegistryError.self) {
            try ProxySettings(
                RegistryEnvironment(variables: ["https_proxy": "socks5://p.example"], userID: 0, home: "/"))
        }
    }

    @Test func errorsAreOneLine() {
        #expect(RegistryError(.invalid, " a\n\tb\u{1b}[31mc \u{9b}d ").message == "a b [31mc d")
    }
}
