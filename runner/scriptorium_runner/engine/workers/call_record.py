"""The supervisor's own record of a run's host calls; no word of a worker is believed unread. Pure."""

from collections.abc import Mapping
from typing import Any

from scriptorium_api.values import frozen
from scriptorium_runner.engine import untrusted
from scriptorium_runner.engine.errors import CallLimitReached, WorkerLost

#: Calls that do not count still cost the supervisor time, so they are not without end either.
MOST_FREE_CALLS = 10_000


@frozen
class Call:
    """One host call as its script made it."""

    number: int
    method: str
    arguments: list[Any]


class CallRecord:
    """What one run has asked for so far."""

    def __init__(self, methods: Mapping[str, bool], most_calls: int, most_pending: int) -> None:
        self._methods = methods
        self._most_calls = most_calls
        self._most_pending = most_pending
        self._last = 0
        self._free = 0
        self._pending: set[int] = set()
        #: Calls that counted.
        self.counted = 0

    @property
    def has_pending(self) -> bool:
        """Say whether a call waits for its answer."""
        return bool(self._pending)

    def enter(self, payload: bytes) -> Call:
        """Read a call that a worker sent; raises WorkerLost for what no sound worker sends."""
        call = _read_call(payload)
        if call.number != self._last + 1:
            raise WorkerLost("a host call out of turn")
        if call.method not in self._methods:
            raise WorkerLost("a host call that does not exist")
        if len(self._pending) >= self._most_pending:
            raise WorkerLost("more host calls at once than are allowed")
        self._count(call.method)
        self._last = call.number
        self._pending.add(call.number)
        return call

    def leave(self, number: int) -> None:
        """Note that a call was answered."""
        self._pending.discard(number)

    def _count(self, method: str) -> None:
        if self._methods[method]:
            if self.counted >= self._most_calls:
                raise CallLimitReached
            self.counted += 1
        else:
            if self._free >= MOST_FREE_CALLS:
                raise CallLimitReached
            self._free += 1


def _read_call(payload: bytes) -> Call:
    try:
        value = untrusted.read_json(payload)
    except untrusted.Refused as error:
        raise WorkerLost(f"a host call that makes no sense: {error}") from error
    if not isinstance(value, list) or len(value) != 3:
        raise WorkerLost("a host call that makes no sense")
    number, method, arguments = value
    if type(number) is not int or not isinstance(method, str) or not isinstance(arguments, list):
        raise WorkerLost("a host call that makes no sense")
    return Call(number, method, arguments)
