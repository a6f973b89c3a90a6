"""Scripts that call scripts, in a real engine."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from scriptorium_api.reasons import Reason
from scriptorium_api.script import Script
from scriptorium_runner import engine
from scriptorium_runner.executions.decide import Source, Start, Values
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.sandbox import EngineSandbox
from tests.support.makers import make_script
from tests.unit.runner.executions.fakes import MemoryBoard

CONTEXT = {
    "tenant": {"id": "t"},
    "user": {"id": "u"},
    "script": {"name": "main"},
    "execution": {"id": "e"},
    "input": {},
}


@pytest_asyncio.fixture(name="sandbox")
async def start_sandbox() -> AsyncIterator[EngineSandbox]:
    own = engine.Engine(
        engine.EngineSettings(pool_size=2, spare_workers=0, nested_slots=1, acquire_seconds=10)
    )
    await own.start()
    yield EngineSandbox(own)
    await own.shutdown()


def make_board(**sources: str) -> MemoryBoard:
    """Give a board with Scripts that may each call all the others."""
    names = list(sources)
    return MemoryBoard(
        scripts={
            name: make_script(
                name, source=source, permissions={"scripts": names}, limits={"timeoutSeconds": 20}
            )
            for name, source in sources.items()
        }
    )


async def run(sandbox: EngineSandbox, board: MemoryBoard, source: str, **changes: Any) -> Outcome:
    main = make_script("main", source=source, permissions={"scripts": [*board.scripts, "gone"]})
    start = Start(
        **{
            "source": source,
            "entrypoint": None,
            "limits": main.spec.limits,
            "owner": "main-uid",
            "timeout_seconds": 20,
            "namespace": "team",
            "script": "main",
            "permissions": main.spec.permissions,
        }
        | changes
    )
    return await sandbox.run(start, CONTEXT, asyncio.Event(), board)


async def test_a_script_gets_the_output_of_another_one(sandbox: EngineSandbox) -> None:
    board = make_board(add="return {sum: input.a + input.b, ctx}")
    outcome = await run(sandbox, board, "return await scripts.call('add', {a: 1, b: 2})")
    assert outcome.output is not None
    assert outcome.output["sum"] == 3
    seen = outcome.output["ctx"]
    assert (seen["script"]["name"], seen["script"]["type"], seen["user"]) == ("add", "embedded", {"id": "u"})
    assert outcome.usage is not None
    assert outcome.usage.api_calls == 1


async def test_a_callee_has_its_own_powers_and_not_its_callers(sandbox: EngineSandbox) -> None:
    board = make_board(
        weak="try { await scripts.call('other') } catch (e) { return {code: e.code, s: typeof env.SECRET} }",
        other="return 1",
    )
    board.scripts["weak"] = make_script("weak", source=board.scripts["weak"].spec.source)
    outcome = await run(sandbox, board, "return await scripts.call('weak')", env={"SECRET": "s"})
    assert outcome.output == {"code": "PermissionDenied", "s": "undefined"}


async def test_the_error_of_a_callee_can_be_caught(sandbox: EngineSandbox) -> None:
    board = make_board(bad="null.x", endless="for (;;);", large="return 'x'.repeat(20000)")
    board.scripts["endless"] = make_script("endless", source="for (;;);", limits={"timeoutSeconds": 1})
    source = """
const told = {};
for (const name of ['bad', 'endless', 'large', 'gone']) {
  try { await scripts.call(name) } catch (e) { told[name] = [e.name, e.code] }
}
return told"""
    assert (await run(sandbox, board, source)).output == {
        "bad": ["TypeError", "ScriptError"],
        "endless": ["ExecutionTimeout", "Timeout"],
        "large": ["OutputLimit", "OutputLimit"],
        "gone": ["ScriptNotFound", "ScriptNotFound"],
    }


async def test_scripts_that_cannot_start_are_told_apart(sandbox: EngineSandbox) -> None:
    board = make_board(asleep="return 1", needy="return 1")
    board.scripts["asleep"] = make_script("asleep", source="return 1", suspend=True)
    source = "try { await scripts.call('NAME', INPUT) } catch (e) { return e.code }"

    async def code_of(name: str, value: str = "{}") -> Any:
        outcome = await run(sandbox, board, source.replace("NAME", name).replace("INPUT", value))
        return (outcome.output or {}).get("value")

    assert await code_of("asleep") == "ScriptSuspended"
    assert await code_of("needy", "{a: 'x'.repeat(70000)}") == "InputInvalid"
    board.values = Values(problem="a value is missing")
    assert await code_of("needy") == "SecretsPending"


async def test_callers_that_fill_the_pool_and_call_on_all_get_their_answer(sandbox: EngineSandbox) -> None:
    board = make_board(
        one="return {n: 1 + (await scripts.call('two')).n}",
        two="return {n: 1 + (await scripts.call('three')).n}",
        three="return {n: 1}",
    )
    runs = [run(sandbox, board, "return await scripts.call('one')") for _ in range(6)]
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(*runs)
    assert [outcome.output for outcome in outcomes] == [{"n": 3}] * 6


async def test_scripts_that_call_each_other_in_a_circle_end(sandbox: EngineSandbox) -> None:
    board = make_board(ping="return await scripts.call('pong')", pong="return await scripts.call('ping')")
    outcome = await run(sandbox, board, "return await scripts.call('ping')")
    assert outcome.reason is Reason.SCRIPT_ERROR
    assert outcome.error is not None
    assert (outcome.error.name, outcome.error.line) == ("CallCycle", 1)
    assert outcome.error.message.endswith("main > ping > pong > ping")


async def test_a_callee_ends_with_its_caller(sandbox: EngineSandbox) -> None:
    board = make_board(slow="for (;;) await null")
    outcome = await run(sandbox, board, "await scripts.call('slow')", timeout_seconds=1)
    assert outcome.reason is Reason.TIMEOUT
    assert (outcome.duration_ms or 0) < 5000
    # One worker for each depth: it is free again, or this would not end well.
    answer = await run(sandbox, make_board(add="return 1"), "return await scripts.call('add')")
    assert answer.output == {"value": 1}


class GatedBoard(MemoryBoard):
    """Hands out the source of "count" once that of "open" was asked for."""

    def __init__(self, board: MemoryBoard) -> None:
        super().__init__(scripts=board.scripts)
        self.gate = asyncio.Event()

    async def read_source(self, script: Script) -> Source:
        if script.metadata.name == "open":
            self.gate.set()
        else:
            await self.gate.wait()
        return await super().read_source(script)


async def test_inputs_of_called_scripts_are_counted_and_too_many_of_them_are_refused() -> None:
    own = engine.Engine(engine.EngineSettings(pool_size=2, spare_workers=0))
    own.held = engine.Held(most_bytes=300_000)
    await own.start()
    source = """
const call = () => scripts.call('count', {text: 'x'.repeat(60000)});
const first = call();
const ends = await Promise.allSettled([call(), call()]);
await scripts.call('open');
const codes = ends.map((end) => end.reason?.code);
return {first: await first, codes, again: await call()}"""
    board = GatedBoard(make_board(count="return input.text.length", open="return null"))
    try:
        outcome = await run(EngineSandbox(own), board, source)
    finally:
        await own.shutdown()
    assert outcome.output == {
        "first": {"value": 60000},
        "codes": ["TooMuchUnderWay", "TooMuchUnderWay"],
        "again": {"value": 60000},
    }
    assert own.held.size == 0
