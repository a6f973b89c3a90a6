import contextlib
import ipaddress
import urllib.parse

import pytest
import yarl
from hypothesis import example, given
from hypothesis import strategies as st

from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http.client import write_url
from scriptorium_runner.host.http.targets import Target, add_query, join_target, parse_target
from tests.support.hostile_urls import CONTROLS, HOSTILE_URLS

GOOD = {
    "https://api.example.com": "https://api.example.com/",
    "HTTPS://API.Example.COM/Path": "https://api.example.com/Path",
    "https://api.example.com./a": "https://api.example.com/a",
    "https://api.example.com:443/": "https://api.example.com/",
    "http://api.example.com:80/": "http://api.example.com/",
    "http://api.example.com:443/": "http://api.example.com:443/",
    "https://api.example.com:/": "https://api.example.com/",
    "https://api.example.com:08443/": "https://api.example.com:8443/",
    "https://api.example.com?q=1#part": "https://api.example.com/?q=1",
    "https://api.example.com/a%20b?c=%zz": "https://api.example.com/a%20b?c=%zz",
    "https://api.example.com/ä/“”?ö=1": "https://api.example.com/%C3%A4/%E2%80%9C%E2%80%9D?%C3%B6=1",
    "https://api.example.com/../a/./b//c": "https://api.example.com/../a/./b//c",
    "https://api.example.com/a@b:c": "https://api.example.com/a@b:c",
    "https://\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444/": "https://xn--e1afmkfd.xn--p1ai/",
    "https://BÜCHER.example/": "https://xn--bcher-kva.example/",
    "https://api\u3002example\u3002com/": "https://api.example.com/",
    "https://\uff11\uff12\uff17.0.0.1/": "https://127.0.0.1/",
    "http://8.8.8.8:53/": "http://8.8.8.8:53/",
    "http://[2606:4700:0:0::1111]/": "http://[2606:4700::1111]/",
    "http://[::FFFF:8.8.8.8]:8080/": "http://[::ffff:808:808]:8080/",
    "https://a_b.example.com/": "https://a_b.example.com/",
    "http://evil.example.com#@good.example.com/": "http://evil.example.com/",
    "http://evil.example.com?@good.example.com/": "http://evil.example.com/?@good.example.com/",
}


@pytest.mark.parametrize("url", GOOD)
def test_a_plain_url_is_written_in_one_way(url: str) -> None:
    assert parse_target(url).url == GOOD[url]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_what_two_programs_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(HostError) as caught:
        parse_target(url)
    assert caught.value.code == "INVALID_URL"


@pytest.mark.parametrize("sign", CONTROLS)
@pytest.mark.parametrize(
    "shape", ["{}http://example.com/", "http://exam{}ple.com/", "http://example.com/{}", "ht{}tp://a.b/"]
)
def test_control_characters_are_refused_wherever_they_stand(shape: str, sign: str) -> None:
    with pytest.raises(HostError) as caught:
        parse_target(shape.format(sign))
    assert caught.value.code == "INVALID_URL"


def test_there_are_enough_hostile_urls() -> None:
    assert len(set(HOSTILE_URLS)) > 90


def test_a_url_has_a_longest_length() -> None:
    with pytest.raises(HostError, match="longer than 8192"):
        parse_target("https://example.com/" + "a" * 8192)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://api.example.com:8443/b"),
        ("b", "https://api.example.com:8443/v1/b"),
        ("../b", "https://api.example.com:8443/b"),
        ("?q=2", "https://api.example.com:8443/v1/a?q=2"),
        ("//other.example.com/x", "https://other.example.com/x"),
        ("http://other.example.com", "http://other.example.com/"),
        ("", "https://api.example.com:8443/v1/a"),
    ],
)
def test_a_redirect_is_read_from_where_it_came(location: str, url: str) -> None:
    assert join_target(parse_target("https://api.example.com:8443/v1/a"), location).url == url


@pytest.mark.parametrize(
    "location",
    [
        "\\\\evil.com",
        "/\\evil.com",
        "//user@evil.com",
        "file:///etc/passwd",
        "http://",
        "//[::1",
        "http:b",
        "http:/b",
        "http:///evil.com/",
        "///evil.com/",
        "https:",
        "\thttp://evil.com",
        "/ b",
    ],
)
def test_a_redirect_that_is_no_plain_url_is_refused(location: str) -> None:
    with pytest.raises(HostError) as caught:
        join_target(parse_target("https://api.example.com/"), location)
    assert caught.value.code == "INVALID_URL"


def test_a_query_is_put_behind_what_is_there() -> None:
    target = add_query(parse_target("https://a.example.com/?x=1"), [("y", "a b&c=d"), ("y", "é")])
    assert target.path == "/?x=1&y=a%20b%26c%3Dd&y=%C3%A9"


hosts = st.sampled_from(
    ["example.com", "127.0.0.1", "[::1]", "0x7f.1", "good.example.com@evil.com", "é.com", "a.b:80", "1.2"]
)
parts = st.sampled_from(
    [
        "http://",
        "https://",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "#",
        "?",
        "%2f",
        "%00",
        ".",
        "..",
        "[",
        "]",
        " ",
        "\t",
        "\0",
    ]
)
urls = st.lists(st.one_of(hosts, parts, st.text(max_size=4)), max_size=8).map("".join)


@given(urls.map(lambda text: f"http://{text}"))
@example("http://a.b\t.c/")
def test_a_url_is_refused_or_every_parser_agrees_on_its_host(url: str) -> None:
    target = read(url)
    if target is None:
        return
    assert parse_target(target.url) == target
    assert urllib.parse.urlsplit(target.url).hostname == target.host
    assert yarl.URL(target.url).raw_host == target.host
    assert not target.host.endswith(".")
    assert target.host == target.host.lower()
    assert target.path.isascii()
    assert not set(target.path) & set(" \r\n\t\0\\#")


@given(urls.map(lambda text: f"https://{text}"))
def test_what_is_sent_is_what_was_read(url: str) -> None:
    target = read(url)
    if target is None:
        return
    sent = write_url(target, "192.0.2.1")
    assert (sent.host, sent.port, sent.raw_path_qs) == ("192.0.2.1", target.port, target.path)


@given(st.text(max_size=40))
def test_no_text_is_too_odd_to_be_judged(text: str) -> None:
    read(text)
    read(f"https://{text}/")
    with contextlib.suppress(HostError):
        join_target(parse_target("https://example.com/"), text)


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_stays_the_same_address(address: ipaddress.IPv6Address) -> None:
    assert parse_target(f"http://[{address.exploded}]/").address == address


def read(url: str) -> Target | None:
    code = ""
    try:
        return parse_target(url)
    except HostError as error:
        code = error.code
    assert code == "INVALID_URL"
    return None
