"""Following a kind: list it in pages, watch from there, list again when the thread is lost."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Literal

from scriptorium_api.values import frozen
from scriptorium_client import errors
from scriptorium_client.client import Client, Manifest
from scriptorium_client.selection import Selection

log = logging.getLogger(__name__)

#: The first pause after an error, and the longest: an API server that is back is found within this.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0

#: A watch that held for this long was sound; its end needs no pause.
SOUND_SECONDS = 5.0


@frozen
class Event:
    """One object appeared, changed or went away."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Manifest


@frozen
class Synced:
    """Everything that existed has been told; what follows is news."""


class _Thread:
    """Where a follower is: what it has told, and the version to go on from."""

    def __init__(self) -> None:
        self.version = ""
        self._told: dict[tuple[str, str], Manifest] = {}

    def take(self, item: Manifest) -> list[Event]:
        """Give the events that make this item known; none if it is no news.

        An object that was deleted and made again under its name while nobody looked ends first.
        """
        metadata = item["metadata"]
        former = self._told.get(_key(metadata))
        # Only what a deletion has to name is kept: the objects themselves are the reader's.
        self._told[_key(metadata)] = {
            key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion") if key in metadata
        }
        if former is None:
            return [Event("ADDED", item)]
        if former["uid"] != metadata["uid"]:
            return [Event("DELETED", {"metadata": former}), Event("ADDED", item)]
        is_news = former["resourceVersion"] != metadata["resourceVersion"]
        return [Event("MODIFIED", item)] if is_news else []

    def drop(self, item: Manifest) -> list[Event]:
        """Give the event that makes this item forgotten; none if that was told already."""
        metadata = item["metadata"]
        known = self._told.get(_key(metadata))
        if known is None or known["uid"] != metadata["uid"]:
            return []
        del self._told[_key(metadata)]
        return [Event("DELETED", item)]

    def drop_all_but(self, uids: set[str]) -> list[Event]:
        """Give the deletions that nobody told us of."""
        gone = [stub for stub in self._told.values() if stub["uid"] not in uids]
        return [event for stub in gone for event in self.drop({"metadata": stub})]


def _key(metadata: Manifest) -> tuple[str, str]:
    return metadata.get("namespace", ""), metadata["name"]


async def follow(client: Client, selection: Selection) -> AsyncGenerator[Event | Synced, None]:
    """Tell every change, for ever; deletions that fell into a gap are told when the list is read again.

    The object of such a deletion has its name, namespace and UID only. An object's end is always told
    before the beginning of another of its name.
    """
    thread, pacing = _Thread(), _Pacing()
    while True:
        begun, least = time.monotonic(), 0.0
        try:
            if not thread.version:
                async for event in _list(client, selection, thread):
                    yield event
                yield Synced()
            async for event in _watch(client, selection, thread):
                pacing.reset()
                yield event
            if time.monotonic() - begun >= SOUND_SECONDS:
                pacing.reset()
                continue
        except errors.Gone:
            log.info("resource version expired, listing again", extra={"resource": selection.resource.plural})
            thread.version = ""
        except errors.ApiError as error:
            log.warning(
                "cannot follow, trying again",
                extra={"resource": selection.resource.plural, "error": str(error)},
            )
            least = error.retry_after or 0.0
        # Whoever ends every watch at once must not be asked without a pause either.
        await pacing.hold(least)


class _Pacing:
    """The pauses between tries: longer each time, until something went well."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE

    def reset(self) -> None:
        self._next = FIRST_PAUSE

    async def hold(self, least: float) -> None:
        jitter = random.uniform(0.5, 1)  # noqa: S311 - spreads retries, guards nothing.
        await asyncio.sleep(max(least, self._next * jitter))
        self._next = min(self._next * 2, LONGEST_PAUSE)


async def _list(client: Client, selection: Selection, thread: _Thread) -> AsyncIterator[Event]:
    """Tell what is new, changed or gone since the thread was lost."""
    seen: set[str] = set()
    version = ""
    async for page, page_version in client.list_pages(
        selection.resource,
        selection.namespace,
        labels=selection.labels,
        fields=selection.fields,
        is_metadata_only=selection.is_metadata_only,
    ):
        version = page_version
        for item in page:
            seen.add(item["metadata"]["uid"])
            for event in thread.take(item):
                yield event
    for event in thread.drop_all_but(seen):
        yield event
    thread.version = version


async def _watch(client: Client, selection: Selection, thread: _Thread) -> AsyncIterator[Event]:
    async for change in client.watch(
        selection,
        thread.version,
    ):
        item = change["object"]
        for event in _tell(thread, change["type"], item):
            yield event
        thread.version = item["metadata"]["resourceVersion"]


def _tell(thread: _Thread, kind: str, item: Manifest) -> list[Event]:
    match kind:
        case "BOOKMARK":
            return []
        case "DELETED":
            return thread.drop(item)
        case _:
            return thread.take(item)
