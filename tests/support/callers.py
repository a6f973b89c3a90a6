"""Who calls Endpoints in tests, and what an Endpoint knows of them: made small, as deciding needs it."""

import base64
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from scriptorium_api.endpoints.auth import Auth, Way
from scriptorium_runner.endpoints import auth
from scriptorium_runner.endpoints.auth import Admitted, KeysUnavailable, Refused, ScriptFailed
from scriptorium_runner.endpoints.calls import Call

#: Noon of the first day of 2030, as tests have it elsewhere.
NOW = 1893499200.0

_AUTH: TypeAdapter[list[Way]] = TypeAdapter(Auth)


def make_ways(*ways: Mapping[str, Any]) -> list[Way]:
    """Give the auth of an Endpoint, as its manifest writes it."""
    return _AUTH.validate_python([dict(each) for each in ways])


def make_call(*headers: tuple[str, str], **parts: Any) -> Call:
    """Give a call with these headers."""
    base: dict[str, Any] = {
        "id": "call-1",
        "method": "GET",
        "host": "shop.example.com",
        "raw_path": "/orders",
    }
    return Call(**(base | {"headers": headers, "ip": "192.0.2.7"} | parts))


def write_basic(user: str, password: str) -> tuple[str, str]:
    """Give the header of a user and a password."""
    return ("authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


class FixedSecrets:
    """Secrets that do not change."""

    def __init__(self, **secrets: Mapping[str, bytes]) -> None:
        self._secrets = secrets

    def read(self, name: str) -> Mapping[str, bytes] | None:
        """Give all values of one."""
        return self._secrets.get(name)

    def read_key(self, name: str, key: str) -> bytes | None:
        """Give one value of one."""
        return self._secrets.get(name, {}).get(key)


class FixedDoors:
    """Key sets and results of Scripts that are there, at a time that stands still."""

    def __init__(
        self, keys: Mapping[str, Any] | None = None, results: Mapping[str, Any] | None = None
    ) -> None:
        self.time = NOW
        self.fetched: list[tuple[str, bool]] = []
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self._keys = keys or {}
        self._results = results or {}

    def now(self) -> float:
        """Give the time."""
        return self.time

    async def fetch_keys(self, uri: str, *, anew: bool = False) -> Mapping[str, Any]:
        """Give the key set of an address."""
        self.fetched.append((uri, anew))
        if uri not in self._keys:
            raise KeysUnavailable(f"nothing at {uri}")
        found: Mapping[str, Any] = self._keys[uri]
        return found

    async def ask_script(self, name: str, head: Mapping[str, Any]) -> Any:
        """Give the result of a Script."""
        self.asked.append((name, head))
        if name not in self._results:
            raise ScriptFailed("there is no such Script")
        return self._results[name]


async def decide(
    ways: list[Way], call: Call, secrets: FixedSecrets | None = None, doors: FixedDoors | None = None
) -> Admitted | Refused:
    """Decide with what is given, and with nothing else."""
    return await auth.decide(ways, call, secrets or FixedSecrets(), doors or FixedDoors())
