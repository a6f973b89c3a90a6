"""Another Script decides: what it is told, and what its result means. Pure but for the asking."""

from collections.abc import Mapping
from typing import Any

from scriptorium_api.execution import ScriptRef
from scriptorium_runner.endpoints import heads
from scriptorium_runner.endpoints.auth.ports import Doors, ScriptFailed
from scriptorium_runner.endpoints.auth.verdicts import Admitted, Denied, Fault, Verdict
from scriptorium_runner.endpoints.calls import Call

#: What of a Script's message the caller is told.
_MAX_MESSAGE = 512
#: A caller is counted by its id; a longer one is an accident.
_MAX_ID = 512


async def check(way: ScriptRef, call: Call, doors: Doors, params: Mapping[str, str]) -> Verdict:
    """Ask the Script; it sees all credentials that there are, so it always decides."""
    try:
        result = await doors.ask_script(way.name, build_head(call, params))
    except ScriptFailed as error:
        return Denied(Fault.UNDECIDED, f'the Script "{way.name}" did not decide: {error}')
    return read_result(way.name, result)


def build_head(call: Call, params: Mapping[str, str]) -> dict[str, Any]:
    """Give the request as the Script sees it: all but the body."""
    headers = heads.join_headers(call.headers)
    return {
        "method": call.method,
        "path": call.raw_path,
        "params": dict(params),
        "query": heads.read_query(call.raw_query),
        "headers": headers,
        "cookies": heads.read_cookies(headers.get("cookie", "")),
        "ip": call.ip,
        "id": call.id,
    }


def read_result(script: str, result: Any) -> Verdict:
    """Take {user: {id, ...}} for a yes, and everything else for a no."""
    if not isinstance(result, dict):
        return Denied(Fault.FORBIDDEN, f'the Script "{script}" gave neither user nor allowed')
    user, allowed = result.get("user"), result.get("allowed", True)
    if allowed is not True:
        return Denied(Fault.FORBIDDEN, f'the Script "{script}" refused', _read_message(result))
    if not isinstance(user, dict) or not _is_id(user.get("id")):
        return Denied(
            Fault.FORBIDDEN, f'the Script "{script}" gave no user with an id of 1 to {_MAX_ID} characters'
        )
    return Admitted(user, f"script:{user['id']}")


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID


def _read_message(result: Mapping[str, Any]) -> str:
    message = result.get("message")
    return message[:_MAX_MESSAGE] if isinstance(message, str) else ""
