"""Answers to requests, as tests look at them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def text(self) -> str:
        """Read the body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


async def read_reply(found: aiohttp.ClientResponse) -> Reply:
    """Give what an aiohttp client got; of several headers of one name the last."""
    return Reply(found.status, {k.lower(): v for k, v in found.headers.items()}, await found.read())
