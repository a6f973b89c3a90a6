"""Scripts that are given secrets, in a real engine: nothing that is told of their runs has the values."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from scriptorium_api.reasons import Reason
from scriptorium_api.script import Limits, Script
from scriptorium_runner import engine
from scriptorium_runner.executions.decide import Start, Values
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.sandbox import EngineSandbox
from tests.support.makers import make_script
from tests.unit.runner.executions.fakes import MemoryBoard

KEY = "sk-live-1234567890"
#: Longer than all that errors quote of a text.
LONG = "Zq7-pay-" + "abcdefghij" * 30
#: What only the callee is given.
OTHER = "pw-of-the-callee"
CONTEXT = {"script": {"name": "main"}, "execution": {"id": "e"}, "input": {}}


@pytest_asyncio.fixture(name="sandbox")
async def start_sandbox() -> AsyncIterator[EngineSandbox]:
    own = engine.Engine(engine.EngineSettings(pool_size=2, spare_workers=0, nested_slots=1))
    await own.start()
    yield EngineSandbox(own)
    await own.shutdown()


async def run(
    sandbox: EngineSandbox, source: str, board: MemoryBoard | None = None, seconds: float = 20, **limits: int
) -> Outcome:
    caller = make_script("main", source=source, permissions={"scripts": ["called", "deeper"]})
    start = Start(
        source=source,
        entrypoint=None,
        limits=Limits(**limits),
        owner="main-uid",
        timeout_seconds=seconds,
        env={"KEY": KEY, "LONG": LONG, "PLAIN": "a plain value"},
        secrets=frozenset({KEY, LONG}),
        namespace="team",
        script="main",
        permissions=caller.spec.permissions,
    )
    return await sandbox.run(start, CONTEXT, asyncio.Event(), board or MemoryBoard())


def make_board(**sources: str) -> MemoryBoard:
    """Give a board with Scripts that have a secret of their own."""
    scripts: dict[str, Script] = {
        name: make_script(name, source=source, permissions={"scripts": list(sources)})
        for name, source in sources.items()
    }
    return MemoryBoard(scripts=scripts, values=Values({"OTHER": OTHER}, secrets=frozenset({OTHER})))


@pytest.mark.parametrize(
    "source",
    [
        "return env.KEY",
        "return { [env.KEY]: [env.KEY] }",
        "return JSON.stringify({ key: env.KEY })",
        "console.log(env.KEY, { key: env.KEY })",
        "console.log(`https://example.com/?key=${encodeURIComponent(env.KEY)}`)",
        "throw new Error(`refused: ${env.KEY}`)",
        "throw Object.assign(new Error('no'), { name: env.KEY })",
        "throw env.KEY",
        "throw { key: env.KEY }",
        "const o = { [env.KEY]() { throw new Error('x') } }; o[env.KEY]()",
        "throw new Error('x'.repeat(4096 - 12) + env.KEY)",
        "console.log(env.KEY); for (;;);",
        "console.log(env.KEY); [].reverse.call({ length: 2 ** 53 - 1 })",
    ],
)
async def test_a_secret_is_not_in_what_is_told_of_a_run(sandbox: EngineSandbox, source: str) -> None:
    outcome = await run(sandbox, source, seconds=2)
    assert "sk-live-" not in repr(outcome)
    assert "[secret]" in repr(outcome)


THROWING = "{ get x() { throw new Error(`no: ${'x'.repeat(150)} ${env.LONG}`) } }"


@pytest.mark.parametrize(
    "source",
    [
        "undefined[env.LONG]",
        "const o = Object.defineProperty({}, env.LONG, { value: 1 }); o[env.LONG] = 2",
        "try { undefined[env.LONG] } catch (error) { console.log(`failed: ${error.message}`) }",
        "try { undefined[env.LONG] } catch (error) { return { said: error.message } }",
        f"console.log('m', {THROWING})",
        f"console.log({THROWING})",
        "utils.date.parse(env.LONG)",
        "utils.date.parse(env.LONG, 'YYYY')",
        "utils.date.parse('x', env.LONG)",
        "await utils.date.startOf(0, 'day', env.LONG)",
        "await scripts.call(env.LONG, {})",
    ],
)
async def test_no_beginning_of_a_secret_is_in_what_is_told(sandbox: EngineSandbox, source: str) -> None:
    outcome = await run(sandbox, source)
    assert outcome.error or outcome.logs or outcome.output
    assert LONG[:8] not in str(outcome)


async def test_no_part_of_a_secret_is_left_where_a_line_was_cut(sandbox: EngineSandbox) -> None:
    cut = 0
    for before in range(900, 960):
        source = f"console.log('x'.repeat({before}) + env.KEY + 'y'.repeat(2000))"
        outcome = await run(sandbox, source, log_kb=1)
        assert outcome.logs_truncated
        assert "sk-live-" not in outcome.logs[0].message
        cut += outcome.logs[0].message.endswith("x[secret]")
    # Some of these were cut within the value.
    assert cut > 5


async def test_values_that_are_no_secrets_are_told(sandbox: EngineSandbox) -> None:
    assert (await run(sandbox, "return env.PLAIN")).output == {"value": "a plain value"}


async def test_a_script_itself_has_its_secret_as_it_is(sandbox: EngineSandbox) -> None:
    outcome = await run(sandbox, "return [...env.KEY].reverse().join('')")
    assert outcome.output == {"value": KEY[::-1]}


async def test_a_callee_may_give_its_secret_to_its_caller_and_nobody_is_told(sandbox: EngineSandbox) -> None:
    board = make_board(called="return { token: env.OTHER }")
    source = """
const { token } = await scripts.call('called');
console.log(token);
return { token, letters: token.length }"""
    outcome = await run(sandbox, source, board)
    assert outcome.output == {"token": "[secret]", "letters": len(OTHER)}
    assert outcome.logs[0].message == "[secret]"


async def test_a_callees_error_does_not_tell_its_secret_to_the_caller(sandbox: EngineSandbox) -> None:
    board = make_board(called="throw new Error(`refused: ${env.OTHER}`)")
    source = "try { await scripts.call('called') } catch (e) { return [...e.message] }"
    outcome = await run(sandbox, source, board)
    assert outcome.output is not None
    assert "".join(outcome.output["value"]) == "refused: [secret]"


def told(outcome: Outcome) -> list[tuple[str, str]]:
    return [(line.script or "", line.message) for line in outcome.logs]


async def test_the_lines_of_callees_are_kept_with_their_names_and_without_secrets(
    sandbox: EngineSandbox,
) -> None:
    pause = "{ const end = Date.now() + 3; while (Date.now() < end); }"
    board = make_board(
        called=f"console.warn(`with ${{env.OTHER}}`, input.key); {pause} await scripts.call('deeper')",
        deeper="console.log('deep'); throw new Error('no')",
    )
    source = f"""
console.log('before'); {pause}
try {{ await scripts.call('called', {{ key: env.KEY }}) }} catch {{}}
{pause} console.log('after')"""
    outcome = await run(sandbox, source, board)
    assert told(outcome) == [
        ("", "before"),
        ("called", "with [secret]"),
        ("deeper", "deep"),
        ("", "after"),
    ]
    assert (outcome.logs[1].level, outcome.logs[1].data) == ("warn", ["[secret]"])
    assert not outcome.logs_truncated


async def test_callers_and_callees_lines_share_the_callers_limit(sandbox: EngineSandbox) -> None:
    board = make_board(called="for (let i = 0; i < 100; i++) console.log('line ' + i)")
    source = "for (let i = 0; i < 5; i++) await scripts.call('called'); console.log('last')"
    outcome = await run(sandbox, source, board, log_kb=2)
    assert told(outcome)[-2:] == [("called", "line 99"), ("", "last")]
    assert outcome.logs_truncated
    assert len(outcome.logs) + outcome.logs_dropped == 501
    assert 1800 < sum(len(repr(line.to_wire())) for line in outcome.logs) <= 2048


async def test_a_failed_run_has_the_lines_of_its_callees(sandbox: EngineSandbox) -> None:
    board = make_board(called="console.error('the cause'); null.x")
    outcome = await run(sandbox, "await scripts.call('called')", board)
    assert outcome.reason is Reason.SCRIPT_ERROR
    assert told(outcome) == [("called", "the cause")]


async def test_the_lines_of_callees_that_end_with_their_caller_are_kept(sandbox: EngineSandbox) -> None:
    board = make_board(
        called="console.log('begun'); await scripts.call('deeper')",
        deeper="console.log(`hangs with ${env.OTHER}`); for (;;);",
    )
    outcome = await run(sandbox, "await scripts.call('called')", board, seconds=1)
    assert outcome.reason is Reason.TIMEOUT
    assert (outcome.duration_ms or 0) < 5000
    assert sorted(told(outcome)) == [("called", "begun"), ("deeper", "hangs with [secret]")]
    # Their workers are free again: there is one for each depth.
    quick = make_board(called="return await scripts.call('deeper')", deeper="return 1")
    assert (await run(sandbox, "return await scripts.call('called')", quick)).output == {"value": 1}


async def test_a_callee_that_waits_for_a_worker_ends_with_its_caller_too(sandbox: EngineSandbox) -> None:
    board = make_board(called="console.log('begun'); for (;;);")
    source = "await Promise.all([scripts.call('called'), scripts.call('called')])"
    outcome = await run(sandbox, source, board, seconds=1)
    assert (outcome.reason, told(outcome)) == (Reason.TIMEOUT, [("called", "begun")])


def test_neither_a_start_nor_values_show_a_secret() -> None:
    values: Any = Values({"KEY": KEY}, secrets=frozenset({KEY}))
    start = Start(
        source="", entrypoint=None, limits=Limits(), owner="o", timeout_seconds=1, secrets=frozenset({KEY})
    )
    assert KEY not in repr(values) + repr(start)
