import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptorium_api.http_rules import HttpRules, read_http_rules
from scriptorium_operator.build.http_egress import build_http_egress
from scriptorium_runner.host.http.addresses import Verdict, judge_address


def rules(**settings: str) -> HttpRules:
    return read_http_rules({f"SCRIPTORIUM_HTTP_{name}": text for name, text in settings.items()})


def is_let_out(found: list[dict[str, Any]], text: str, port: int = 443) -> bool:
    """Say whether the rules let TCP to an address out, as a network would that enforces them."""
    address = ipaddress.ip_address(text)
    return any(
        address in ipaddress.ip_network(peer["ipBlock"]["cidr"])
        and not any(address in ipaddress.ip_network(hole) for hole in peer["ipBlock"].get("except", []))
        for rule in found
        if rule["ports"][0].get("port", port) == port
        for peer in rule["to"]
    )


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses_are_let_out(address: str) -> None:
    assert is_let_out(build_http_egress(rules()), address)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "168.63.129.16", "192.168.1.1", "fe80::1"]
)
def test_private_and_refused_addresses_are_not(address: str) -> None:
    assert not is_let_out(build_http_egress(rules()), address)


def in_nat64(address: ipaddress.IPv4Address) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address(int(ipaddress.ip_address("64:ff9b::")) | int(address))


@given(st.one_of(st.ip_addresses(), st.ip_addresses(v=4).map(in_nat64)))
def test_what_the_policy_lets_out_is_what_the_runner_takes_for_public(address: Any) -> None:
    # An IPv4-mapped address is in no packet.
    is_mapped = address.version == 6 and address.ipv4_mapped is not None
    is_public = judge_address(address) is Verdict.PUBLIC
    assert is_let_out(build_http_egress(rules()), str(address)) == (is_public and not is_mapped)


def test_a_private_range_that_is_open_is_let_out_without_what_is_denied_in_it() -> None:
    found = build_http_egress(rules(PRIVATE_CIDRS="10.20.0.0/16,fd12::/32", DENIED_ADDRESSES="10.20.7.0/24"))
    assert is_let_out(found, "10.20.0.1")
    assert is_let_out(found, "fd12::1")
    assert not is_let_out(found, "10.20.7.1")
    assert not is_let_out(found, "10.21.0.1")


def test_a_metadata_service_within_an_open_range_stays_shut() -> None:
    found = build_http_egress(rules(PRIVATE_CIDRS="100.64.0.0/10,100.100.100.200/32,fc00::/7"))
    assert is_let_out(found, "100.64.0.1")
    assert not is_let_out(found, "100.100.100.200")
    assert not is_let_out(found, "fd00:ec2::254")


def test_what_is_denied_is_let_out_nowhere() -> None:
    found = build_http_egress(rules(PRIVATE_CIDRS="10.1.0.0/16", DENIED_ADDRESSES="10.0.0.0/8,8.8.8.8,::/0"))
    assert not is_let_out(found, "10.1.0.1")
    assert not is_let_out(found, "8.8.8.8")
    assert not is_let_out(found, "2606:4700::1111")
    assert is_let_out(found, "9.9.9.9")


def test_with_a_proxy_nothing_public_is_reached_but_by_it() -> None:
    found = build_http_egress(rules(PROXY="http://10.9.9.9:3128", PRIVATE_CIDRS="10.20.0.0/16"))
    assert is_let_out(found, "10.9.9.9", 3128)
    assert not is_let_out(found, "10.9.9.9", 443)
    assert not is_let_out(found, "8.8.8.8", 3128)
    assert is_let_out(found, "10.20.0.1", 8080)


def test_a_proxy_with_a_name_may_be_anywhere_but_at_refused_addresses() -> None:
    found = build_http_egress(rules(PROXY="http://proxy.example.com:3128"))
    assert is_let_out(found, "8.8.8.8", 3128)
    assert is_let_out(found, "10.9.9.9", 3128)
    assert is_let_out(found, "fd12::1", 3128)
    assert not is_let_out(found, "169.254.169.254", 3128)
    assert not is_let_out(found, "8.8.8.8", 443)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"PRIVATE_CIDRS": "10.0.0.0/8,fc00::/7", "DENIED_ADDRESSES": "10.0.0.0/9,10.0.0.0/8,8.8.8.8"},
        {"PROXY": "http://[fd00::1]:3128"},
        {"PROXY": "http://proxy.example.com:3128"},
    ],
)
def test_every_exception_is_a_part_of_its_range_as_the_api_server_asks(settings: dict[str, str]) -> None:
    for rule in build_http_egress(rules(**settings)):
        assert rule["to"]
        for peer in rule["to"]:
            block = ipaddress.ip_network(peer["ipBlock"]["cidr"])
            for hole in map(ipaddress.ip_network, peer["ipBlock"].get("except", [])):
                assert hole != block
                assert hole.subnet_of(block)  # type: ignore[arg-type]
