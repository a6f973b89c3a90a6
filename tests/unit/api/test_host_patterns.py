import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptorium_api.host_patterns import (
    MAX_HOST,
    SHAPE,
    UNREACHABLE,
    HostPattern,
    find_host_problem,
    parse_host_pattern,
)

GOOD = {
    "api.example.com": HostPattern("api.example.com"),
    "*.example.com": HostPattern("example.com", is_wildcard=True),
    "api.example.com:8443": HostPattern("api.example.com", 8443),
    "*.example.com:65535": HostPattern("example.com", 65535, is_wildcard=True),
    "xn--e1afmkfd.xn--p1ai": HostPattern("xn--e1afmkfd.xn--p1ai"),
    "_service.example.com": HostPattern("_service.example.com"),
    "10.1.2.3": HostPattern("10.1.2.3"),
    "10.1.2.3:80": HostPattern("10.1.2.3", 80),
    "[fd00::1]": HostPattern("fd00::1"),
    "[fd00:0:0::01]": HostPattern("fd00::1"),
    "[2001:4860:4860::8888]:443": HostPattern("2001:4860:4860::8888", 443),
}

BAD = {
    "": "1 to 253 characters",
    "*": "letters, digits",
    "*.": "too wide",
    "*.com": "too wide",
    "*.10.0.0.1": "address without",
    "a.*.example.com": "only at the start",
    "*api.example.com": "only at the start",
    "*.*.example.com": "only at the start",
    "https://api.example.com": "without scheme and path",
    "api.example.com/v1": "without scheme and path",
    "user@api.example.com": "without a user",
    "api%2eexample.com": "without escapes",
    "API.example.com": "lower case",
    "\u043f\u0440\u0438.example.com": "xn--",
    "api.example.com.": "letters, digits",
    ".example.com": "letters, digits",
    "api..example.com": "letters, digits",
    "-api.example.com": "letters, digits",
    "api.example.com:": "port from 1 to 65535",
    "api.example.com:0": "port from 1 to 65535",
    "api.example.com:080": "port from 1 to 65535",
    "api.example.com:65536": "port from 1 to 65535",
    "api.example.com:80:80": "port from 1 to 65535",
    "api.example.com:http": "port from 1 to 65535",
    "api example.com": "letters, digits",
    "api.example.com\n": "letters, digits",
    "localhost": "full name",
    "payments": "full name",
    "2130706433": "no IPv4 address",
    "0x7f.1": "no IPv4 address",
    "127.1": "no IPv4 address",
    "010.0.0.1": "no IPv4 address",
    "1.2.3.4.5": "no IPv4 address",
    "127.0.0.1": "no script can reach",
    "169.254.169.254": "no script can reach",
    "0.0.0.0": "no script can reach",  # noqa: S104 - nobody listens there.
    "[::1]": "no script can reach",
    "[fe80::1]:80": "no script can reach",
    "fd00::1": "port from 1 to 65535",
    "[::ffff:10.0.0.1]": "must be a host such as",
    "api.example.1com": "must be a host such as",
    "[1:2:3:4:5:6:7:8:9]": "no IPv6 address",
    "[1::2::3]": "no IPv6 address",
    "239.1.2.3": "no script can reach",
    "[ff02::1]": "no script can reach",
    "[::]": "no script can reach",
    "[fe80::1%eth0]": "without escapes",
    "[fd00::1": "letters, digits|port",
    "[fd00::1]x": "end with",
    "[]": "no IPv6 address",
    f"{'a' * 64}.example.com": "letters, digits",
    ".".join(["a" * 60] * 5): "1 to 253 characters",
}


@pytest.mark.parametrize("text", GOOD)
def test_a_pattern_is_what_it_shows(text: str) -> None:
    assert parse_host_pattern(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_a_pattern_that_could_be_read_otherwise_is_refused_with_a_cure(text: str) -> None:
    with pytest.raises(ValueError, match=BAD[text]):
        parse_host_pattern(text)


def is_taken_by_the_api_server(text: str) -> bool:
    """Judge as the schema does: by length and by its two expressions, where $ is the very end."""
    is_one_line = "\n" not in text
    is_shaped = is_one_line and 1 <= len(text) <= MAX_HOST and re.match(SHAPE, text) is not None
    return is_shaped and re.match(UNREACHABLE, text) is None


def is_taken_by_the_model(text: str) -> bool:
    try:
        parse_host_pattern(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", [*GOOD, *BAD])
def test_model_and_api_server_agree(text: str) -> None:
    assert is_taken_by_the_api_server(text) is is_taken_by_the_model(text) is (text in GOOD)


@given(
    st.one_of(
        st.text("ab0127.*:[]-_xf", max_size=20),
        st.from_regex(SHAPE, fullmatch=True),
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(lambda address: f"[{address}]:80"),
        st.ip_addresses(v=6).map(lambda address: f"[{address.exploded}]"),
        st.text("0f:", max_size=20).map(lambda text: f"[{text}]"),
    )
)
def test_whatever_is_stored_can_be_read(text: str) -> None:
    assert is_taken_by_the_api_server(text) is is_taken_by_the_model(text)


@pytest.mark.parametrize(
    ("pattern", "host", "port", "default", "is_match"),
    [
        ("api.example.com", "api.example.com", 443, 443, True),
        ("api.example.com", "api.example.com", 80, 80, True),
        ("api.example.com", "api.example.com", 8443, 443, False),
        ("api.example.com", "api.example.com", 80, 443, False),
        ("api.example.com", "www.api.example.com", 443, 443, False),
        ("api.example.com", "evil-api.example.com", 443, 443, False),
        ("api.example.com:8443", "api.example.com", 8443, 443, True),
        ("api.example.com:8443", "api.example.com", 443, 443, False),
        ("*.example.com", "a.example.com", 443, 443, True),
        ("*.example.com", "a.b.example.com", 443, 443, True),
        ("*.example.com", "example.com", 443, 443, False),
        ("*.example.com", "evilexample.com", 443, 443, False),
        ("*.example.com", "a.example.com.evil.org", 443, 443, False),
        ("10.1.2.3", "10.1.2.3", 80, 80, True),
        ("[fd00::1]", "fd00::1", 80, 80, True),
    ],
)
def test_a_pattern_names_its_hosts_alone(
    pattern: str, host: str, port: int, default: int, is_match: bool
) -> None:
    assert parse_host_pattern(pattern).matches(host, port, default) is is_match


def test_a_name_has_its_longest_length() -> None:
    assert find_host_problem(".".join(["a" * 62] * 4) + ".a") is None
