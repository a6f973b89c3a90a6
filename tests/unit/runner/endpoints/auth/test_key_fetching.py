"""A provider is asked as scripts ask hosts: real servers on loopback, and what must not be reached."""

import functools
import ipaddress
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from scriptorium_runner.endpoints.auth import Admitted, KeysUnavailable, key_fetching
from scriptorium_runner.endpoints.auth.key_sets import Fetched, KeySets
from scriptorium_runner.host.http import HttpClient, HttpSettings
from tests.support.callers import FixedDoors, decide, make_call, make_ways
from tests.support.provider import AUDIENCE, ISSUER, make_jwk, make_token
from tests.support.web import Answer, Site, admit, serve

HOST = "id.example.com"
KEYS: dict[str, Any] = {"keys": [make_jwk("RS256")]}


async def find_loopback(_: str) -> tuple[ipaddress.IPv4Address]:
    return (ipaddress.IPv4Address("127.0.0.1"),)


def answer_with(body: bytes, status: int = 200, **headers: str) -> Answer:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(
            body=body, status=status, headers={key.replace("_", "-"): value for key, value in headers.items()}
        )

    return answer


@asynccontextmanager
async def open_client(*sites: Site) -> AsyncIterator[HttpClient]:
    settings = key_fetching.limit_settings(HttpSettings())
    async with HttpClient(settings, judge=admit(*sites), look_up=find_loopback) as client:
        yield client


async def fetch_from(answer: Answer) -> Fetched:
    async with serve(answer) as site, open_client(site) as client:
        return await key_fetching.fetch(client, f"http://{HOST}:{site.port}/keys")


async def test_a_provider_gives_its_keys_and_how_long_they_last() -> None:
    body = json.dumps(KEYS).encode()
    assert await fetch_from(answer_with(body)) == Fetched(KEYS, None)
    assert await fetch_from(answer_with(body, Cache_Control="public, max-age=300")) == Fetched(KEYS, 300)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answer_with(b"{}"), "no JSON Web Key Set"),
        (answer_with(b"<html>"), "no JSON"),
        (answer_with(b"[" * 100_000), "no JSON"),
        (answer_with(json.dumps({"keys": [{}] * 101}).encode()), "more than 100 keys"),
        (answer_with(b" " * (256 * 1024) + json.dumps(KEYS).encode()), "262144"),
        (answer_with(json.dumps(KEYS).encode(), status=404), "answered 404"),
        (answer_with(b"", status=302, Location="http://169.254.169.254/latest"), "answered 302"),
        (answer_with(b"", status=301, Location="/elsewhere"), "answered 301"),
    ],
)
async def test_what_is_no_key_set_is_none(answer: Answer, reason: str) -> None:
    with pytest.raises(KeysUnavailable, match=reason):
        await fetch_from(answer)


@pytest.mark.parametrize(
    "uri",
    ["http://id.example.com/keys", "http://127.0.0.1/keys", "http://10.0.0.1/keys", "http://[::1]/keys"],
)
async def test_inner_addresses_are_not_reached(uri: str) -> None:
    async with HttpClient(HttpSettings(), look_up=find_loopback) as client:
        with pytest.raises(KeysUnavailable, match="address"):
            await key_fetching.fetch(client, uri)


@pytest.mark.parametrize(
    "uri", ["ftp://id.example.com/", "http://u:p@id.example.com/", "https://", "http://localhost/"]
)
async def test_what_is_no_plain_address_is_not_asked(uri: str) -> None:
    async with open_client() as client:
        with pytest.raises(KeysUnavailable):
            await key_fetching.fetch(client, uri)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", None),
        ("public", None),
        ("max-age=60", 60),
        ("Public, Max-Age=60, must-revalidate", 60),
        ('max-age="60"', 60),
        ("s-maxage=5", None),
        ("max-age=60, no-store", 0),
        ("no-cache", 0),
        ('no-cache="set-cookie"', 0),
        ("max-age=-1", None),
        ("max-age=" + "9" * 30, 999999999),
        ("x-max-age=5", None),
    ],
)
def test_how_long_an_answer_may_be_kept(header: str, seconds: float | None) -> None:
    assert key_fetching.read_max_age(header) == seconds


async def test_a_token_is_checked_with_the_keys_of_a_real_provider() -> None:
    async with serve(answer_with(json.dumps(KEYS).encode())) as site, open_client(site) as client:
        async with KeySets(functools.partial(key_fetching.fetch, client)) as sets:
            doors = FixedDoors()
            doors.fetch_keys = sets.fetch_keys  # type: ignore[method-assign]
            uri = f"http://{HOST}:{site.port}/keys"
            ways = make_ways({"jwt": {"issuer": ISSUER, "audience": AUDIENCE, "jwksUri": uri}})
            call = make_call(("authorization", f"Bearer {make_token()}"))
            answers = [await decide(ways, call, doors=doors) for _ in range(3)]
        assert all(isinstance(each, Admitted) for each in answers)
        assert [seen.target for seen in site.seen] == ["/keys"]
