"""The system's resolver, asked in threads."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from scriptorium_runner.host.http import lookups
from scriptorium_runner.host.http.lookups import SystemLookup, ask_system
from tests.support.waiting import until_async

ADDRESS = ipaddress.ip_address("192.0.2.7")


class Resolver:
    """A system's resolver that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, host: str) -> tuple[Any, ...]:
        self.asked.append(host)
        self.may_answer.wait(10)
        return (ADDRESS,)


@pytest.fixture(name="resolver")
def make_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(lookups, "ask_system", resolver)
    yield resolver
    resolver.may_answer.set()


async def test_an_answer_serves_for_seconds_and_no_longer(resolver: Resolver) -> None:
    now = 0.0
    look_up = SystemLookup(lambda: now)
    assert await look_up("a.example.com") == (ADDRESS,)
    now = 9.9
    await look_up("a.example.com")
    assert resolver.asked == ["a.example.com"]
    now = 10.0
    await look_up("a.example.com")
    assert len(resolver.asked) == 2
    look_up.close()


async def test_who_asks_for_the_same_name_waits_for_the_same_answer(resolver: Resolver) -> None:
    look_up = SystemLookup()
    resolver.may_answer.clear()
    asking = [asyncio.create_task(look_up("a.example.com")) for _ in range(20)]
    await until_async(lambda: resolver.asked)
    asking[0].cancel()
    resolver.may_answer.set()
    answers = await asyncio.gather(*asking[1:])
    assert set(answers) == {(ADDRESS,)}
    assert resolver.asked == ["a.example.com"]
    look_up.close()


async def test_a_slow_name_does_not_hold_up_another(resolver: Resolver) -> None:
    look_up = SystemLookup()
    resolver.may_answer.clear()
    slow = asyncio.create_task(look_up("slow.example.com"))
    await until_async(lambda: resolver.asked)
    other = asyncio.create_task(look_up("b.example.com"))
    await until_async(lambda: len(resolver.asked) == 2)
    resolver.may_answer.set()
    assert await slow == await other
    look_up.close()


async def test_names_that_scripts_make_up_do_not_fill_the_memory(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "_KEPT_NAMES", 10)
    look_up = SystemLookup(lambda: 0.0)
    for number in range(20):
        await look_up(f"n{number}.example.com")
    await look_up("n19.example.com")
    assert len(resolver.asked) == 20
    await look_up("n0.example.com")
    assert len(resolver.asked) == 21
    look_up.close()


def test_names_are_asked_for_in_full_so_that_no_search_list_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        entries = [("192.0.2.7", 0), ("192.0.2.7", 0), ("fe80::1%eth0", 0, 0, 2)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", entry) for entry in entries]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert ask_system("a.example.com") == (ADDRESS, ipaddress.ip_address("fe80::1"))
    assert asked == ["a.example.com."]


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "not known"), UnicodeError("label too long"), OSError()]
)
def test_a_name_that_cannot_be_looked_up_has_no_address(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert ask_system("a.example.com") == ()


def test_the_system_s_resolver_is_asked_for_real() -> None:
    assert ask_system("no-such-host.invalid") == ()
