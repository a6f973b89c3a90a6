"""Keys that callers send in a header or in the query. Pure."""

from collections.abc import Mapping

from scriptorium_api.endpoints.auth import ApiKey
from scriptorium_runner.endpoints import heads
from scriptorium_runner.endpoints.auth import credentials, equality
from scriptorium_runner.endpoints.auth.ports import Secrets
from scriptorium_runner.endpoints.auth.verdicts import Admitted, Denied, Fault, Verdict
from scriptorium_runner.endpoints.calls import Call

DEFAULT_HEADER = "x-api-key"


def check(way: ApiKey, call: Call, secrets: Secrets) -> Verdict:
    """Say whose key was sent."""
    values = _find_values(way, call)
    if not values:
        return None
    sent = credentials.pick_only(values, "the key")
    if isinstance(sent, Denied):
        return sent
    keys = secrets.read(way.secret_ref.name)
    if keys is None:
        return Denied(
            Fault.UNDECIDED, f'the Secret "{way.secret_ref.name}" is missing', "a Secret is missing"
        )
    given = credentials.encode(sent)
    owner = None if given is None else find_owner(given, keys)
    if owner is None:
        return Denied(Fault.WRONG, f'the key is none of the Secret "{way.secret_ref.name}"')
    return Admitted({"id": owner}, f"apiKey:{owner}")


def find_owner(given: bytes, keys: Mapping[str, bytes]) -> str | None:
    """Give the name of a key. All are compared, so that the time tells nothing of where it stands."""
    owner = None
    for name in sorted(keys, reverse=True):
        if equality.matches(given, keys[name]):
            owner = name
    return owner


def _find_values(way: ApiKey, call: Call) -> list[str]:
    if way.query is not None:
        return [value for name, value in heads.parse_query(call.raw_query) if name == way.query]
    wanted = (way.header or DEFAULT_HEADER).lower()
    return [value.strip(" \t") for name, value in call.headers if name == wanted]
