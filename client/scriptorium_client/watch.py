"""Following a kind: list it in pages, watch from there, list again when the thread is lost."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Literal

from scriptorium_client import errors
from scriptorium_client.client import Client, Manifest
from scriptorium_client.resources import Resource

log = logging.getLogger(__name__)

#: The first pause after an error, and the longest: an API server that is back is found within this.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """One object appeared, changed or went away."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Manifest


@dataclass(frozen=True, slots=True)
class Synced:
    """Everything that existed has been told; what follows is news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to follow."""

    resource: Resource
    namespace: str | None = None
    labels: str | None = None
    is_metadata_only: bool = False


class _Thread:
    """Where a follower is: what it has told, and the version to go on from."""

    def __init__(self) -> None:
        self.version = ""
        self._told: dict[str, Manifest] = {}

    def take(self, item: Manifest) -> Event | None:
        """Give the event that makes this item known, if it is news."""
        metadata = item["metadata"]
        former = self._told.get(metadata["uid"])
        # Only what a deletion has to name is kept: the objects themselves are the reader's.
        self._told[metadata["uid"]] = {
            key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion") if key in metadata
        }
        if former is None:
            return Event("ADDED", item)
        is_news = former["resourceVersion"] != metadata["resourceVersion"]
        return Event("MODIFIED", item) if is_news else None

    def drop(self, item: Manifest) -> Event:
        """Give the event that makes this item forgotten."""
        self._told.pop(item["metadata"]["uid"], None)
        return Event("DELETED", item)

    def drop_all_but(self, uids: set[str]) -> list[Event]:
        """Give the deletions that nobody told us of."""
        gone = [stub for uid, stub in self._told.items() if uid not in uids]
        return [self.drop({"metadata": stub}) for stub in gone]


async def follow(client: Client, selection: Selection) -> AsyncGenerator[Event | Synced, None]:
    """Tell every change, for ever; deletions that fell into a gap are told when the list is read again.

    The object of such a deletion has its name, namespace and UID only.
    """
    thread = _Thread()
    pause = FIRST_PAUSE
    while True:
        try:
            if not thread.version:
                async for event in _list(client, selection, thread):
                    yield event
                yield Synced()
            async for event in _watch(client, selection, thread):
                pause = FIRST_PAUSE
                yield event
        except errors.Gone:
            log.info("resource version expired, listing again", extra={"resource": selection.resource.plural})
            thread.version = ""
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        except errors.ApiError as error:
            log.warning(
                "cannot follow, trying again",
                extra={"resource": selection.resource.plural, "error": str(error), "pause": pause},
            )
            jitter = random.uniform(0.5, 1)  # noqa: S311 - spreads retries, guards nothing.
            await asyncio.sleep(max(error.retry_after or 0, pause * jitter))
            pause = min(pause * 2, LONGEST_PAUSE)


async def _list(client: Client, selection: Selection, thread: _Thread) -> AsyncIterator[Event]:
    """Tell what is new, changed or gone since the thread was lost."""
    seen: set[str] = set()
    version = ""
    async for page, page_version in client.list_pages(
        selection.resource,
        selection.namespace,
        labels=selection.labels,
        is_metadata_only=selection.is_metadata_only,
    ):
        version = page_version
        for item in page:
            seen.add(item["metadata"]["uid"])
            if event := thread.take(item):
                yield event
    for event in thread.drop_all_but(seen):
        yield event
    thread.version = version


async def _watch(client: Client, selection: Selection, thread: _Thread) -> AsyncIterator[Event]:
    async for change in client.watch(
        selection.resource,
        selection.namespace,
        version=thread.version,
        labels=selection.labels,
        is_metadata_only=selection.is_metadata_only,
    ):
        item = change["object"]
        if change["type"] == "DELETED":
            yield thread.drop(item)
        elif change["type"] != "BOOKMARK" and (event := thread.take(item)):
            yield event
        thread.version = item["metadata"]["resourceVersion"]
