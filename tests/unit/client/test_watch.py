"""What a follower tells when watches fail: faults that no real API server makes on demand."""

from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, cast

import pytest

from scriptorium_client import Client, Event, Gone, Selection, Synced, follow, watch
from scriptorium_client.client import Manifest
from scriptorium_client.resources import CONFIG_MAPS

SELECTION = Selection(resource=CONFIG_MAPS)


def item(name: str, uid: str, version: str = "1", namespace: str = "team") -> Manifest:
    return {"metadata": {"namespace": namespace, "name": name, "uid": uid, "resourceVersion": version}}


class ScriptedClient:
    """Answers each list and each watch from a script; the last watch is silent, and ends the test."""

    def __init__(self, lists: list[list[Manifest]], watches: list[list[Manifest] | Exception]) -> None:
        self._lists, self._watches = lists, watches

    async def list_pages(self, *_: Any, **__: Any) -> AsyncIterator[tuple[list[Manifest], str]]:
        yield self._lists.pop(0), "1"

    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[Manifest]:
        if not self._watches:
            raise EndOfScript
        found = self._watches.pop(0)
        if isinstance(found, Exception):
            raise found
        for change in found:
            yield change


class EndOfScript(Exception):
    pass


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; none is waited for."""
    made: list[float] = []

    async def note(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr(watch.asyncio, "sleep", note)
    return made


async def tell(lists: list[list[Manifest]], watches: list[list[Manifest] | Exception]) -> list[str]:
    told: list[str] = []
    events = follow(cast("Client", ScriptedClient(lists, watches)), SELECTION)
    with suppress(EndOfScript):
        async with aclosing(events):
            async for event in events:
                told.append(describe(event))
    return told


def describe(event: Event | Synced) -> str:
    return "synced" if isinstance(event, Synced) else f"{event.type} {event.object['metadata']['uid']}"


@pytest.mark.usefixtures("pauses")
async def test_an_object_that_was_made_again_in_a_gap_ends_before_it_begins() -> None:
    told = await tell([[item("a", "old")], [item("a", "new", "5")]], [Gone("too old")])
    assert told == ["ADDED old", "synced", "DELETED old", "ADDED new", "synced"]


@pytest.mark.usefixtures("pauses")
async def test_a_late_word_of_the_former_object_does_not_end_the_new_one() -> None:
    late = {"type": "DELETED", "object": item("a", "old", "4")}
    told = await tell([[item("a", "old")], [item("a", "new", "5")]], [Gone("too old"), [late]])
    assert told[-2:] == ["ADDED new", "synced"]


@pytest.mark.usefixtures("pauses")
async def test_objects_of_one_name_in_two_namespaces_are_two() -> None:
    told = await tell([[item("a", "one", namespace="x"), item("a", "two", namespace="y")]], [])
    assert told == ["ADDED one", "ADDED two", "synced"]


async def test_watches_that_end_at_once_are_begun_anew_at_longer_pauses(
    pauses: list[float],
) -> None:
    await tell([[]], [[] for _ in range(8)])
    assert len(pauses) == 8
    assert all(0.25 <= pause <= watch.LONGEST_PAUSE for pause in pauses)
    assert pauses[-1] >= watch.LONGEST_PAUSE / 2


async def test_news_makes_the_next_pause_short_again(pauses: list[float]) -> None:
    news: list[Manifest] = [{"type": "ADDED", "object": item("a", "one")}]
    await tell([[]], [*([] for _ in range(8)), news])
    assert pauses[-1] <= watch.FIRST_PAUSE
