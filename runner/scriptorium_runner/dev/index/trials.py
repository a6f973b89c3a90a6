"""A request made by the page's form: answered as any other, and shown with its script's lines."""

import base64
import secrets
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from scriptorium_api.values import frozen
from scriptorium_runner.dev.index import guard
from scriptorium_runner.endpoints import request_ids
from scriptorium_runner.endpoints.bodies import BodyTooLarge, Grow, ignore
from scriptorium_runner.endpoints.calls import Answer
from scriptorium_runner.endpoints.endings import Ended
from scriptorium_runner.web import arrivals
from scriptorium_runner.web.arrivals import Arrival
from scriptorium_runner.web.public import Answering

#: What a page shows of an answer; nobody reads more of it there.
_MOST_SHOWN = 256 * 1024

_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
_LINE = r"^[^\x00-\x08\x0a-\x1f\x7f]*$"


class Trial(BaseModel):
    """What the form says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    host: Annotated[str, Field(max_length=300, pattern=r"^[A-Za-z0-9.:\[\]-]*$")]
    method: Annotated[str, Field(max_length=32, pattern=_NAME)]
    target: Annotated[str, Field(max_length=8192, pattern=r"^/[^\s#]*$")]
    """Path and query."""
    headers: list[
        tuple[
            Annotated[str, Field(max_length=256, pattern=_NAME)],
            Annotated[str, Field(max_length=8192, pattern=_LINE)],
        ]
    ] = Field(max_length=100, strict=False)
    body: str = ""


@frozen
class _KnownBody:
    """A body that is there."""

    content: bytes

    @property
    def size(self) -> int | None:
        return len(self.content)

    async def read(self, most: int, grow: Grow = ignore) -> bytes:
        if len(self.content) > most:
            raise BodyTooLarge
        grow(len(self.content))
        return self.content


class Trials:
    """Makes requests, and listens to how they end."""

    def __init__(self) -> None:
        self._awaited: dict[str, Ended | None] = {}

    def hear(self, ended: Ended) -> None:
        """Take note of the end of a request, if it is ours."""
        if ended.call.id in self._awaited:
            self._awaited[ended.call.id] = ended

    async def make(self, trial: Trial, answering: Answering) -> dict[str, Any]:
        """Make a request, and give all that there is to show of it, as JSON."""
        # One that no other request has: what is shown must be of this one.
        request_id = secrets.token_hex(16)
        arrival = _build_arrival(trial, request_id)
        call = arrivals.read_call(arrival, ())
        if guard.is_reserved(call.raw_path):
            return {"problem": f"no Endpoint answers below {guard.ROOT}"}
        self._awaited[request_id] = None
        try:
            answer = await answering.serve(call, _KnownBody(trial.body.encode("utf-8", "replace")))
            return describe(trial, answer, self._awaited[request_id])
        finally:
            del self._awaited[request_id]


def _build_arrival(trial: Trial, request_id: str) -> Arrival:
    """Give the message that a client would send."""
    given = [(name.lower(), value.strip()) for name, value in trial.headers]
    size = len(trial.body.encode("utf-8", "replace"))
    own = {"host": trial.host, request_ids.HEADER: request_id} | (
        {"content-length": str(size)} if size else {}
    )
    kept = [pair for pair in given if pair[0] not in {*own, "content-length", "transfer-encoding"}]
    return Arrival(trial.method, trial.target, (*own.items(), *kept), "127.0.0.1")


def describe(trial: Trial, answer: Answer, ended: Ended | None) -> dict[str, Any]:
    """Give an answer, and what its script wrote, as JSON."""
    shown = b"" if trial.method == "HEAD" else answer.body[:_MOST_SHOWN]
    found: dict[str, Any] = {
        "status": answer.status,
        "headers": [list(pair) for pair in answer.headers],
        "body": _read_text(shown),
        "base64": None if _read_text(shown) is not None else base64.b64encode(shown).decode(),
        "bytes": len(answer.body),
        "isCut": len(answer.body) > len(shown),
    }
    return found | (_describe_end(ended) if ended is not None else {})


def _describe_end(ended: Ended) -> dict[str, Any]:
    result = ended.result
    error = result.error if result is not None else None
    return {
        "requestId": ended.call.id,
        "durationMs": round(ended.times.total * 1000, 2),
        "rejected": ended.rejected,
        "cause": ended.cause,
        "logs": [
            {"level": each.level, "message": each.message, "data": each.data, "script": each.script}
            for each in (result.logs if result is not None else ())
        ],
        "error": error
        and {
            "name": error.name,
            "message": error.message,
            "line": error.line,
            "column": error.column,
            "stack": error.stack,
        },
    }


def _read_text(content: bytes) -> str | None:
    """Give bytes as text; None for what is none. A character that the cut went through is let go."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        is_tail = len(content) == _MOST_SHOWN and error.start >= len(content) - 3
        return content[: error.start].decode() if is_tail else None
