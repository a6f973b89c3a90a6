import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptorium_api.address_ranges import is_private
from scriptorium_api.host_patterns import Address, parse_host_pattern
from scriptorium_runner.host.http.addresses import (
    Verdict,
    is_permitted,
    judge_address,
    unwrap,
)

REFUSED = [
    "0.0.0.0",  # noqa: S104 - nobody listens there.
    "0.1.2.3",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.192",
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.9",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "100::1",
    "5f00::1",
    "4000::1",
    "::ffff:0:127.0.0.1",
]

PRIVATE = [
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "fc00::1",
    "fdff::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        *((text, Verdict.REFUSED) for text in REFUSED),
        *((text, Verdict.PRIVATE) for text in PRIVATE),
        *((text, Verdict.PUBLIC) for text in PUBLIC),
    ],
)
def test_an_address_is_judged_by_what_it_reaches(text: str, verdict: Verdict) -> None:
    assert judge_address(ipaddress.ip_address(text)) is verdict


@pytest.mark.parametrize("text", ["8.8.8.8", "10.0.0.7", "::ffff:8.8.8.8", "64:ff9b::808:808", "2600::1"])
def test_what_the_platform_denies_is_refused_in_every_form(text: str) -> None:
    denied = [ipaddress.ip_network(each) for each in ("8.8.8.8", "10.0.0.0/24", "2600::1")]
    assert judge_address(ipaddress.ip_address(text), denied) is Verdict.REFUSED


@pytest.mark.parametrize(
    ("address", "pattern", "ranges", "is_reached"),
    [
        ("10.0.0.1", "db.example.com", ["10.0.0.0/8"], True),
        ("10.0.0.1", "db.example.com", [], False),
        ("10.0.0.1", "db.example.com", ["10.1.0.0/16"], False),
        ("10.0.0.1", "*.example.com", ["10.0.0.0/8"], False),
        ("::ffff:10.0.0.1", "db.example.com", ["10.0.0.0/8"], True),
        ("fd12::1", "db.example.com", ["10.0.0.0/8", "fd12::/16"], True),
        ("127.0.0.1", "db.example.com", ["127.0.0.0/8"], False),
        ("8.8.8.8", "*.example.com", [], True),
    ],
)
def test_a_private_address_needs_the_whole_host_and_the_platform(
    address: str, pattern: str, ranges: list[str], is_reached: bool
) -> None:
    found = ipaddress.ip_address(address)
    networks = [ipaddress.ip_network(text) for text in ranges]
    verdict = judge_address(found)
    assert is_permitted(found, verdict, parse_host_pattern(pattern), networks) is is_reached


@pytest.mark.parametrize("text", ["10.2.0.0/16", "192.168.0.0/16", "100.64.0.0/10", "fd00::/8"])
def test_a_platform_may_open_private_ranges(text: str) -> None:
    assert is_private(ipaddress.ip_network(text))


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "8.8.8.0/24", "127.0.0.0/8", "10.0.0.0/7", "::/0", "2600::/16"]
)
def test_a_platform_opens_nothing_else(text: str) -> None:
    assert not is_private(ipaddress.ip_network(text))


@given(st.ip_addresses())
def test_no_address_that_the_standard_library_calls_special_is_public(address: Address) -> None:
    if judge_address(address) is Verdict.PUBLIC:
        reached = unwrap(address)
        assert reached.is_global
        assert not any((reached.is_multicast, reached.is_loopback, reached.is_reserved))


@given(st.ip_addresses(v=4))
def test_a_wrapped_address_is_judged_as_the_plain_one(address: ipaddress.IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + int(address))
        assert judge_address(wrapped) is judge_address(address)
