"""Who called, and for what."""

import ipaddress

import pytest

from scriptorium_runner.endpoints.calls import Headers
from scriptorium_runner.web import arrivals
from scriptorium_runner.web.arrivals import Arrival

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def make_arrival(target: str = "/", peer: str = "192.0.2.1", headers: Headers = ()) -> Arrival:
    return Arrival(method="GET", target=target, headers=(("host", "Shop.Example:8080"), *headers), peer=peer)


@pytest.mark.parametrize(
    ("peer", "hops", "ip"),
    [
        ("192.0.2.1", "6.6.6.6", "192.0.2.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.9", "192.0.2.9"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.9, 10.0.0.2", "192.0.2.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "192.0.2.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.9, nonsense, 10.0.0.2", "10.0.0.2"),
        ("::ffff:10.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("nonsense", "192.0.2.9", "nonsense"),
    ],
)
def test_the_caller_is_the_first_from_the_right_that_is_no_trusted_proxy(
    peer: str, hops: str, ip: str
) -> None:
    headers = (("x-forwarded-for", hops),) if hops else ()
    assert arrivals.read_call(make_arrival(peer=peer, headers=headers), PROXIES).ip == ip


def test_several_lines_of_hops_are_one_list() -> None:
    lines = (("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.9, 10.0.0.2"))
    assert arrivals.read_call(make_arrival(peer="10.0.0.1", headers=lines), PROXIES).ip == "192.0.2.9"


@pytest.mark.parametrize(("peer", "is_believed"), [("10.0.0.1", True), ("192.0.2.1", False)])
def test_only_a_trusted_proxy_says_how_and_nobody_for_which_host(peer: str, is_believed: bool) -> None:
    headers = (("x-forwarded-proto", "https"), ("x-forwarded-host", "other.example"))
    call = arrivals.read_call(make_arrival(peer=peer, headers=headers), PROXIES)
    assert (call.is_secure, call.host) == (is_believed, "shop.example")


@pytest.mark.parametrize(
    ("target", "host", "path", "query"),
    [
        ("/a?b=c?d", "shop.example", "/a", "b=c?d"),
        ("/a", "shop.example", "/a", ""),
        ("http://Other.example:80/a?b", "other.example", "/a", "b"),
        ("https://other.example", "other.example", "/", ""),
        ("http://other.example?b", "other.example", "/", "b"),
        ("http://[::1/a", "shop.example", "http://[::1/a", ""),
        ("http://[::1/a?key=secret", "shop.example", "http://[::1/a", ""),
        ("*", "shop.example", "*", ""),
    ],
)
def test_a_target_has_a_path_and_a_query_and_sometimes_a_host(
    target: str, host: str, path: str, query: str
) -> None:
    call = arrivals.read_call(make_arrival(target), ())
    assert (call.host, call.raw_path, call.raw_query) == (host, path, query)


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("a.b", "a.b"),
        ("A.b:1", "a.b"),
        ("a.b.", "a.b"),
        ("a.b.:8443", "a.b"),
        ("[::1]:8", "::1"),
        ("[FD00::1]", "fd00::1"),
        ("", ""),
    ],
)
def test_a_host_is_read_as_proxies_read_it(said: str, host: str) -> None:
    arrival = Arrival(method="GET", target="/", headers=(("host", said),), peer="")
    assert arrivals.read_call(arrival, ()).host == host


@pytest.mark.parametrize(
    ("hosts", "version", "is_fine"),
    [
        (1, (1, 1), True),
        (0, (1, 1), False),
        (0, (1, 0), True),
        (2, (1, 0), False),
        (0, (0, 9), False),
    ],
)
def test_a_request_has_one_host(hosts: int, version: tuple[int, int], is_fine: bool) -> None:
    headers = (("host", "a"),) * hosts
    arrival = Arrival(method="GET", target="/", headers=headers, peer="", version=version)
    assert (arrivals.find_problem(arrival) is None) is is_fine


@pytest.mark.parametrize(
    ("target", "host", "is_fine"),
    [
        ("/", "a.b_c-d:80", True),
        ("/", "[::1]:80", True),
        ("/", "", True),
        ("/", "a, b", False),
        ("/", "a/b", False),
        ("/", "user@a", False),
        ("/", "a:80:81", False),
        ("/", "[::1", False),
        ("/", "a b", False),
        ("http://a.b/", "A.b.:80", True),
        ("http://a.b/", "c.b", False),
        ("http://user@a.b/", "a.b", False),
    ],
)
def test_a_request_is_for_one_host_that_everybody_reads_alike(target: str, host: str, is_fine: bool) -> None:
    arrival = Arrival(method="GET", target=target, headers=(("host", host),), peer="")
    assert (arrivals.find_problem(arrival) is None) is is_fine


@pytest.mark.parametrize(
    ("coding", "status"), [("chunked", None), ("Chunked", None), ("gzip, chunked", 501), ("identity", 501)]
)
def test_only_one_coding_of_messages_is_taken(coding: str, status: int | None) -> None:
    headers = (("transfer-encoding", coding),)
    found = arrivals.find_problem(make_arrival(headers=headers))
    assert (found.status if found else None) == status
