"""`scripts.call`: a script has another Script of its namespace run, with that one's own powers, and waits."""

from typing import Any, Protocol

from scriptorium_api.reasons import Reason
from scriptorium_api.values import frozen
from scriptorium_runner import engine
from scriptorium_runner.engine import HostError
from scriptorium_runner.host import quotes

#: How many scripts may wait, each for the next.
MOST_DEPTH = 5
_KINDS = {str: "a text", dict: "an object", list: "a list", bool: "a boolean", type(None): "nothing"}


@frozen(kw_only=True)
class Caller:
    """Who calls."""

    #: The Scripts that led here, outermost first, the caller last; inline source has the name "".
    chain: tuple[str, ...]
    #: The Scripts that the caller may call.
    allowed: frozenset[str]


class Callees(Protocol):
    """Finds and runs what is called."""

    async def run(self, name: str, value: dict[str, Any]) -> engine.Result:
        """Run a Script with an input until its end; raises HostError if it cannot start."""


class ScriptsHost:
    """Answers the calls of one run."""

    def __init__(self, caller: Caller, callees: Callees) -> None:
        self._caller = caller
        self._callees = callees

    async def call(self, _method: str, arguments: list[Any]) -> Any:
        """Answer scripts.call(name, input) with the output of that run."""
        name, value = _read_arguments(arguments)
        self._check(name)
        result = await self._callees.run(name, value)
        if result.reason is Reason.COMPLETED:
            return result.output
        error = result.error or engine.ScriptError(name=result.reason, message="the script did not end well")
        raise HostError(error.message, code=str(result.reason), name=error.name)

    def _check(self, name: str) -> None:
        if name not in self._caller.allowed:
            message = f"Script {quotes.quote(name)} is not among permissions.scripts"
            raise HostError(message, code="PermissionDenied")
        if name in self._caller.chain:
            path = " > ".join((*self._caller.chain, name))
            raise HostError(f"scripts call each other in a circle: {path}", code="CallCycle")
        if len(self._caller.chain) > MOST_DEPTH:
            raise HostError(f"more than {MOST_DEPTH} scripts would wait for each other", code="CallTooDeep")


def _read_arguments(arguments: list[Any]) -> tuple[str, dict[str, Any]]:
    match arguments:
        case [str(name), None]:
            return name, {}
        case [str(name), dict(value)]:
            return name, value
    # Not shown: half of a value that is quoted here could not be told from any text.
    kinds = " and ".join(_KINDS.get(type(each), "a number") for each in arguments)
    raise HostError(
        f"scripts.call takes a name and an object, not {kinds}", code="InvalidArgument", name="TypeError"
    )
