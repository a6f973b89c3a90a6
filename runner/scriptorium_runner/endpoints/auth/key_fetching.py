"""Asking an identity provider for its keys, with the guards that the `http` of scripts has."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from scriptorium_api.host_patterns import HostPattern
from scriptorium_runner.endpoints.auth import keys
from scriptorium_runner.endpoints.auth.key_sets import Fetched, KeySets
from scriptorium_runner.endpoints.auth.ports import KeysUnavailable
from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http import HttpClient, HttpSettings, targets
from scriptorium_runner.host.http.requests import Request

#: Key sets hold a few kilobytes.
MAX_BYTES = 256 * 1024
#: Callers wait for it.
SECONDS = 10.0

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})", re.IGNORECASE)
_NOT_KEPT = re.compile(r"(?:^|[\s,])(?:no-store|no-cache)(?:[\s,=]|$)", re.IGNORECASE)


def limit_settings(settings: HttpSettings) -> HttpSettings:
    """Give the settings of the client that asks providers: those of scripts, but for the size."""
    return replace(settings, max_response_bytes=MAX_BYTES)


@asynccontextmanager
async def open_key_sets(settings: HttpSettings) -> AsyncIterator[KeySets]:
    """Give the key sets of a runner, asked for by a client that scripts do not use."""
    async with HttpClient(limit_settings(settings)) as client, KeySets(partial(fetch, client)) as sets:
        yield sets


async def fetch(client: HttpClient, uri: str) -> Fetched:
    """Ask a provider, at its own address alone; redirects are not followed. Raises KeysUnavailable.

    The Endpoint names the host in full, as a Script would in permissions.http.allow: so a private address is
    reached only where the platform permits it too.
    """
    try:
        target = targets.parse_target(uri)
        request = Request(method="GET", target=target, headers={"accept": "application/json"})
        deadline = asyncio.get_running_loop().time() + SECONDS
        answer = await client.exchange(request, HostPattern(target.host, target.port), deadline)
    except HostError as error:
        raise KeysUnavailable(error.message) from error
    if answer.status != 200:
        raise KeysUnavailable(f"it answered {answer.status}")
    try:
        return Fetched(keys.parse_key_set(answer.body), read_max_age(answer.headers.get("cache-control", "")))
    except ValueError as error:
        raise KeysUnavailable(f"its answer {error}") from None


def read_max_age(cache_control: str) -> float | None:
    """Give how long an answer may be kept; None where nothing is said of it."""
    if _NOT_KEPT.search(cache_control):
        return 0.0
    found = _MAX_AGE.search(cache_control)
    return float(found[1]) if found else None
