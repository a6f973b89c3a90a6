from datetime import UTC, datetime
from typing import Any

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner import engine
from scriptorium_runner.engine import HostError
from scriptorium_runner.host.scripts import Caller, ScriptsHost


class Callees:
    def __init__(self, result: engine.Result | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._result = result or make_result(Reason.COMPLETED, output={"sum": 3})

    async def run(self, name: str, value: dict[str, Any]) -> engine.Result:
        self.asked.append((name, value))
        return self._result


def make_result(reason: Reason, **fields: Any) -> engine.Result:
    return engine.Result(reason=reason, duration_ms=1, started_at=datetime.now(UTC), **fields)


def make_host(callees: Callees, *chain: str) -> ScriptsHost:
    allowed = frozenset({"add", "main", "s5"})
    return ScriptsHost(Caller(chain=chain or ("main",), allowed=allowed), callees)


@pytest.mark.parametrize(("arguments", "value"), [(["add", {"a": 1}], {"a": 1}), (["add", None], {})])
async def test_a_call_gives_the_output_of_that_script(arguments: list[Any], value: dict[str, Any]) -> None:
    callees = Callees()
    assert await make_host(callees).call("scripts.call", arguments) == {"sum": 3}
    assert callees.asked == [("add", value)]


async def refuse(host: ScriptsHost, *arguments: Any) -> HostError:
    with pytest.raises(HostError) as caught:
        await host.call("scripts.call", list(arguments))
    return caught.value


async def test_what_the_caller_does_not_name_is_refused_before_it_is_looked_for() -> None:
    callees = Callees()
    error = await refuse(make_host(callees), "other", None)
    assert (error.code, error.name, callees.asked) == ("PermissionDenied", "PermissionDenied", [])
    assert "permissions.scripts" in error.message


async def test_a_circle_is_refused_and_told() -> None:
    error = await refuse(make_host(Callees(), "main", "add"), "main", None)
    assert error.code == "CallCycle"
    assert error.message.endswith("main > add > main")


async def test_the_sixth_script_that_would_wait_is_refused() -> None:
    assert await make_host(Callees(), *["s"] * 5).call("scripts.call", ["s5", None]) == {"sum": 3}
    assert (await refuse(make_host(Callees(), *["s"] * 6), "s5", None)).code == "CallTooDeep"


@pytest.mark.parametrize("arguments", [[], ["add"], [1, {}], ["add", 1], ["add", []], ["add", {}, 1]])
async def test_other_arguments_are_refused(arguments: list[Any]) -> None:
    error = await refuse(make_host(Callees()), *arguments)
    assert (error.code, error.name) == ("InvalidArgument", "TypeError")


async def test_the_callees_own_error_is_passed_on() -> None:
    failure = engine.ScriptError(name="TypeError", message="x is not a function", line=3)
    host = make_host(Callees(make_result(Reason.SCRIPT_ERROR, error=failure)))
    error = await refuse(host, "add", None)
    assert (error.name, error.message, error.code) == ("TypeError", "x is not a function", "ScriptError")
