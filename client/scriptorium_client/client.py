"""The verbs: get, list, create, apply, patch, delete, watch."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any, NamedTuple, Self

from scriptorium_client import errors, parsing
from scriptorium_client.config import Config
from scriptorium_client.resources import Resource
from scriptorium_client.selection import Selection
from scriptorium_client.transport import Answer, Broken, Rejected, Tell, Transport

Manifest = dict[str, Any]

#: A list is read in pages of this many objects, so that neither side holds a large answer whole.
PAGE = 500

#: The API server ends a watch after this many seconds; we give up on a silent one a little later.
WATCH_SECONDS = 300

#: A watch that is silent for this long may be dead, however open it looks, and is begun anew. Busy kinds have
#: bookmarks once a minute; a kind without any event may have none for hours. API servers keep 75 s of events.
SILENCE_SECONDS = 70.0

METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"


class _Question(NamedTuple):
    """What is read, and how it is asked for."""

    path: str
    query: frozenset[tuple[str, str]]
    headers: frozenset[tuple[str, str]]


class Client:
    """A connection to one API server; every verb raises ApiError or one of its kinds."""

    def __init__(
        self,
        config: Config,
        *,
        user_agent: str = "scriptorium",
        tell: Tell | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        transport: Transport | None = None,
    ) -> None:
        """Ask by the transport; without one by a pool of connections, whose requests are told to `tell`."""
        self.config = config
        self._silence_seconds = silence_seconds
        self._transport = transport or _open_pool(config, user_agent, tell)
        #: What is being read before anybody wants it.
        self._ahead: dict[_Question, asyncio.Task[Manifest]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        for asking in self._ahead.values():
            asking.cancel()
        await asyncio.gather(*self._ahead.values(), return_exceptions=True)
        await self._transport.close()

    def ask_ahead(self, resource: Resource, name: str, namespace: str | None = None) -> None:
        """Begin to read an object: who reads it next is given this answer, and who does so then asks anew.

        What is asked for so is read one after another, by one connection. Whatever else is asked ends it: its
        answer would be older than that one.
        """
        self._begin_reading(resource.path(namespace, name), {})

    def list_ahead(self, resource: Resource, namespace: str, *, fields: str) -> None:
        """Do the same for the objects that a field selects, or the first page of them."""
        self._begin_reading(resource.path(namespace), _select(None, fields))

    def _begin_reading(self, path: str, query: Mapping[str, str]) -> None:
        former = list(self._ahead.values())

        async def ask() -> Manifest:
            if former:
                await asyncio.wait(former)
            return await self._send("GET", path, query, {})

        asking = self._ahead[_ask_for(path, query, {})] = asyncio.create_task(ask())
        # What went wrong is nobody's where nobody reads it.
        asking.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _read(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Manifest:
        asking = self._ahead.pop(_ask_for(path, query, headers), None)
        return await (asking or self._request("GET", path, query=query, headers=headers))

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Manifest:
        """Give one object; raises NotFound."""
        return await self._read(resource.path(namespace, name), {}, {})

    async def find(self, resource: Resource, name: str, namespace: str | None = None) -> Manifest | None:
        """Give one object, or None where there is none."""
        try:
            return await self.get(resource, name, namespace)
        except errors.NotFound:
            return None

    async def list_pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
        is_metadata_only: bool = False,
    ) -> AsyncIterator[tuple[list[Manifest], str]]:
        """Give the objects page by page, each with the list's resource version; raises Gone if it expires."""
        query = _select(labels, fields)
        accept = METADATA_ONLY.replace("PartialObjectMetadata", "PartialObjectMetadataList")
        headers = {"Accept": accept} if is_metadata_only else {}
        while True:
            page = await self._read(resource.path(namespace), query, headers)
            # An empty list of metadata has null for its items.
            yield page["items"] or [], page["metadata"]["resourceVersion"]
            if not page["metadata"].get("continue"):
                return
            query["continue"] = page["metadata"]["continue"]

    async def list_all(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
    ) -> list[Manifest]:
        """Give the objects of all pages, as they are at this moment."""
        pages = self.list_pages(resource, namespace, labels=labels, fields=fields)
        return [item async for page, _ in pages for item in page]

    async def list_since(
        self, resource: Resource, namespace: str, *, fields: str, version: str
    ) -> list[Manifest]:
        """Give the objects that a field selects, as they were at this resource version or later; 0 is any.

        The API server finds them in its cache. For what they are at this moment it reads, where its store
        cannot tell how fresh the cache is, every object of the namespace.
        """
        query = {"fieldSelector": fields, "resourceVersion": version, "resourceVersionMatch": "NotOlderThan"}
        found = await self._request("GET", resource.path(namespace), query=query)
        items: list[Manifest] = found["items"]
        return items

    async def create(self, manifest: Manifest, resource: Resource, *, is_dry_run: bool = False) -> Manifest:
        """Make an object; raises Conflict if the name is taken."""
        query = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if is_dry_run else {})
        namespace = manifest["metadata"].get("namespace")
        return await self._request("POST", resource.path(namespace), body=manifest, query=query)

    async def apply(self, manifest: Manifest, resource: Resource, manager: str) -> Manifest:
        """Make the object have what the manifest says, by server-side apply as this field manager."""
        metadata = manifest["metadata"]
        return await self._request(
            "PATCH",
            resource.path(metadata.get("namespace"), metadata["name"]),
            body=manifest,
            query={"fieldManager": manager, "force": "true"},
            headers={"Content-Type": _APPLY_PATCH},
        )

    async def merge(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        change: Manifest,
        subresource: str | None = None,
    ) -> Manifest:
        """Change some fields; a metadata.resourceVersion in the change must be the latest."""
        return await self._request(
            "PATCH",
            resource.path(namespace, name, subresource),
            body=change,
            headers={"Content-Type": _MERGE_PATCH},
        )

    async def replace_status(
        self, resource: Resource, name: str, namespace: str, status: Manifest, version: str
    ) -> Manifest:
        """Replace the status of the object as it was at this resource version; raises Conflict if it changed.

        A JSON Patch, since a merge patch would drop the nulls in a run's output.
        """
        change = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/status", "value": status},
        ]
        return await self._request(
            "PATCH",
            resource.path(namespace, name, "status"),
            body=change,
            headers={"Content-Type": _JSON_PATCH},
        )

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> None:
        """Delete an object, if it is the one with this UID; a missing one is not an error."""
        body: Manifest = {"propagationPolicy": "Background"} | (
            {"preconditions": {"uid": uid}} if uid else {}
        )
        try:
            await self._request("DELETE", resource.path(namespace, name), body=body)
        except errors.NotFound:
            return

    async def watch(self, selection: Selection, version: str) -> AsyncIterator[Manifest]:
        """Give the changes since the version, bookmarks among them, until the watch ends or falls silent."""
        query = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        } | ({"labelSelector": selection.labels} if selection.labels else {})
        query |= {"fieldSelector": selection.fields} if selection.fields else {}
        headers = {"Accept": METADATA_ONLY} if selection.is_metadata_only else {}
        listening = self._transport.listen(
            selection.resource.path(selection.namespace),
            headers=self._authorized(headers),
            query=query,
            silence=self._silence_seconds,
        )
        try:
            async with aclosing(listening) as pieces:
                async for line in _lines(pieces):
                    yield _checked(parsing.parse(line))
        except Rejected as error:
            raise _error_of(error.answer) from error
        except Broken as error:
            raise errors.Unavailable(f"the watch broke off: {error}") from error

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Manifest:
        while self._ahead:
            self._ahead.popitem()[1].cancel()
        if body is None:
            return await self._send(method, path, query or {}, headers or {})
        fields = {"Content-Type": "application/json"} | dict(headers or {})
        return await self._send(method, path, query or {}, fields, json.dumps(body).encode())

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Manifest:
        authorized = self._authorized(headers)
        try:
            answer = await self._transport.ask(method, path, headers=authorized, query=query, body=body)
        except Broken as error:
            raise errors.Unavailable(f"{method} {path}: {error}") from error
        if answer.status >= 300:
            raise _error_of(answer)
        found: Manifest = parsing.parse(answer.content)
        return found

    def _authorized(self, headers: Mapping[str, str]) -> dict[str, str]:
        token = self.config.bearer()
        return dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})


def _ask_for(path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> _Question:
    return _Question(path, frozenset(query.items()), frozenset(headers.items()))


def _select(labels: str | None, fields: str | None) -> dict[str, str]:
    """Give what asks for a list's first page."""
    query = {"limit": str(PAGE)} | ({"labelSelector": labels} if labels else {})
    return query | ({"fieldSelector": fields} if fields else {})


def _open_pool(config: Config, user_agent: str, tell: Tell | None) -> Transport:
    # A pod that brings a transport of its own does not wait for aiohttp to be imported.
    from scriptorium_client.pooled import PooledTransport  # noqa: PLC0415

    return PooledTransport(config, user_agent, tell)


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Split a stream at line ends; the reader's own limit on a line is below an object's size."""
    rest = bytearray()
    async for piece in pieces:
        rest += piece
        *lines, tail = rest.split(b"\n")
        rest = bytearray(tail)
        for line in lines:
            if line:
                yield bytes(line)


def _checked(event: Manifest) -> Manifest:
    if event["type"] == "ERROR":
        raise errors.from_status(event["object"].get("code", 500), event["object"])
    return event


def _error_of(answer: Answer) -> errors.ApiError:
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = answer.content[:500].decode(errors="replace")
    return errors.from_status(answer.status, body, answer.retry_after)
