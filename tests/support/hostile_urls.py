"""URLs that programs are known to read differently from each other; none of them may be asked for."""

#: No absolute URLs of the web.
NO_WEB_URLS = [
    "//evil.com/",
    "/path",
    "evil.com",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "ftp://example.com/",
    "gopher://example.com/",
    "data:text/plain,hi",
    "ws://example.com/",
    "http:/example.com/",
    "http:example.com",
    "http:///example.com/",
    "http://?x",
    "http://#x",
    "http:////example.com/",
    "https:\\\\example.com\\",
]

#: Who is the host is a matter of opinion.
ODD_AUTHORITIES = [
    "http://example.com\\@evil.com/",
    "http://example.com\\.evil.com/",
    "http://good.example.com@evil.com/",
    "http://user:pw@example.com/",
    "http://@example.com/",
    "http://:@example.com/",
    "http://example.com:80@evil.com/",
    "http://ex%61mple.com/",
    "http://example.com%2eevil.com/",
    "http://127.0.0.1%00.example.com/",
    "http://example.com%00/",
    "http://[::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://evil.com\uff0fexample.com/",
    "http://evil.com\uff1fexample.com/",
    "http://evil.com\uff03.example.com/",
    "http://evil.com\uff20example.com/",
    "http://evil.com\uff1a80/",
]

#: Addresses in notations that only some programs know.
ODD_ADDRESSES = [
    "http://[::1/",
    "http://::1]/",
    "http://[::1]evil.com/",
    "http://[::1].evil.com/",
    "http://[::1]]/",
    "http://[]/",
    "http://[v1.fe80::a]/",
    "http://[127.0.0.1]/",
    "http://::1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.01/",
    "http://127.0.0.1.1/",
    "http://127.0.0.256/",
    "http://1.2.3.4.0x5/",
    "http://0x/",
    "http://1/",
    "http://0/",
    "http://\u2460\u2461\u2466.1/",
]

#: No full names of hosts.
ODD_HOSTS = [
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://.../",
    "http://./",
    "http://../",
    "http://example.com../",
    "http://.example.com/",
    "http://exa..mple.com/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://kubernetes/",
    "http://-a.example.com/",
    "http://a-.example.com/",
    "http://exam!ple.com/",
    "http://exam*ple.com/",
    "http://*.example.com/",
    "http://exam,ple.com/",
    "http://exam$ple.com/",
    "http://exam;ple.com/",
    "http://a&b.example.com/",
    "http://a'b.example.com/",
    'http://a"b.example.com/',
    "http://<example.com>/",
    "http://{example.com}/",
    "http://ex\xadample/",
    "http://\u2024/",
    "http://a\u3002/",
]

#: No ports.
ODD_PORTS = [
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:-1/",
    "http://example.com:+80/",
    "http://example.com:8_0/",
    "http://example.com:80:80/",
    "http://example.com:80abc/",
    "http://example.com:\uff18\uff10/",
    "http://example.com:0x50/",
]

HOSTILE_URLS = [*NO_WEB_URLS, *ODD_AUTHORITIES, *ODD_ADDRESSES, *ODD_HOSTS, *ODD_PORTS]

#: Cut off by some, taken as the end of the host by others, sent as they are by a third kind.
CONTROLS = [
    *("\0", "\t", "\n", "\r", "\r\nHost: evil.com", "\x1f", " ", "\x7f"),
    *("\x85", "\xa0", "\u2028", "\ud800", "\ufeff"),
]
