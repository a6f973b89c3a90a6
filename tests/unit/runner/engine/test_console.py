import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from scriptorium_api.reasons import Reason

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_each_level_is_kept_with_message_data_and_time(run):
    before = datetime.now(UTC).replace(microsecond=0)
    result = await run(
        "for (const level of ['debug', 'log', 'info', 'warn', 'error']) console[level](level, 1, {a: [2]})"
    )
    assert [(entry.level, entry.message, entry.data) for entry in result.logs] == [
        ("debug", "debug", [1, {"a": [2]}]),
        ("info", "log", [1, {"a": [2]}]),
        ("info", "info", [1, {"a": [2]}]),
        ("warn", "warn", [1, {"a": [2]}]),
        ("error", "error", [1, {"a": [2]}]),
    ]
    time = datetime.fromisoformat(result.logs[0].timestamp)
    assert before <= time <= datetime.now(UTC)
    assert result.logs[0].timestamp.endswith("Z")
    assert len(result.logs[0].timestamp) == len("2026-01-01T00:00:00.000Z")
    assert not result.logs_truncated


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("'text'", "text"),
        ("", ""),
        ("undefined", "undefined"),
        ("null", "null"),
        ("1.5", "1.5"),
        ("10n", "10"),
        ("Symbol('s')", "Symbol(s)"),
        ("{a: 1}", '{"a":1}'),
        ("[1, [2]]", "[1,[2]]"),
        ("new RangeError('far')", "RangeError: far"),
        ("function named() {}", "[Function: named]"),
        ("'a\\nb\\u0000c\\u2028'", "a\nb\0c\u2028"),
        ("'\\ud800'", "\ufffd"),
        ("'😀'", "😀"),
    ],
)
async def test_a_message_is_readable(run, argument, message):
    assert (await run(f"console.log({argument})")).logs[0].message == message


@pytest.mark.parametrize(
    ("argument", "data"),
    [
        ("undefined", None),
        ("10n", "10n"),
        ("{n: [1n], f() {}, s: Symbol('s')}", {"n": ["1n"], "f": "[Function: f]", "s": "Symbol(s)"}),
        (
            "(() => { const o = {a: {}}; o.a.b = o; o.c = o.a; return o; })()",
            {"a": {"b": "[Circular]"}, "c": {"b": "[Circular]"}},
        ),
        ("(() => { const x = {}; return [x, x]; })()", [{}, {}]),
        ("new Error('e')", "Error: e"),
        ("{get x() { throw new Error('trap'); }}", "[Error: trap]"),
        ("new Proxy({}, {ownKeys() { throw new Error('trap'); }})", "[Error: trap]"),
        ("{toJSON() { throw 1; }}", "[: ]"),
        ("{get x() { throw new Error('x'.repeat(500)); }}", f"[Error: {'x' * 500}]"),
        ("{get x() { throw new Error('x'.repeat(20000)); }}", "[20011 characters left out]"),
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("'x'.repeat(20000)", "[20002 characters left out]"),
    ],
)
async def test_data_that_json_cannot_hold_is_replaced_by_something_readable(run, argument, data):
    result = await run(f"console.log('m', {argument}); return 'went on'")
    assert (result.reason, result.logs[0].data) == (Reason.COMPLETED, [data])


def measure(result) -> int:
    # Of an uncalled script's line all of this is in the status, but not that it was cut.
    fields = [
        {k: v for k, v in asdict(entry).items() if v is not None and k != "is_cut"} for entry in result.logs
    ]
    return sum(len(json.dumps(entry, ensure_ascii=False).encode()) for entry in fields)


async def test_over_the_limit_the_oldest_lines_are_cut(run):
    result = await run("for (let i = 0; i < 5000; i++) console.log('line ' + i)", log_kb=2)
    numbers = [int(entry.message.removeprefix("line ")) for entry in result.logs]
    assert numbers == list(range(5000 - len(numbers), 5000))
    assert 1800 < measure(result) <= 2048
    assert result.logs_truncated
    assert result.logs_dropped == 5000 - len(numbers)


async def test_a_stopped_run_keeps_its_last_lines_and_the_count_of_those_cut(run):
    endless = "for (let i = 0; ; i++) { console.log('line ' + i); for (let n = 0; n < 1e5; n++); }"
    result = await run(endless, log_kb=1, timeout_seconds=0.5)
    first, last = (int(entry.message.removeprefix("line ")) for entry in (result.logs[0], result.logs[-1]))
    assert result.reason is Reason.TIMEOUT
    assert result.logs_dropped == first > 0
    assert len(result.logs) == last - first + 1


@pytest.mark.parametrize("character", ["x", "é", "😀", "\\u0001", "\\ud800"])
async def test_a_line_over_the_limit_is_cut_at_a_character(run, character):
    result = await run(f"console.log('{character}'.repeat(9000), 1)", log_kb=2)
    assert 1000 < measure(result) <= 2048
    assert len(set(result.logs[0].message)) == 1
    assert result.logs_truncated


async def test_lines_of_every_size_pass_the_ring(run):
    result = await run("for (let i = 0; i < 400; i++) console.log('x'.repeat(i * 37 % 5000), i)", log_kb=64)
    assert result.logs[-1].data == [399]
    assert 56 * 1024 < measure(result) <= 64 * 1024


async def test_a_flood_of_lines_does_not_eat_the_memory(run):
    result = await run("for (let i = 0; i < 30000; i++) console.log('x'.repeat(8000))", memory_mb=16)
    assert (result.reason, result.logs_truncated) == (Reason.COMPLETED, True)


@pytest.mark.parametrize("hang", ["for (;;);", "for (;;) await 0", "[].reverse.call({length: 2 ** 53 - 1})"])
async def test_a_stopped_run_keeps_its_lines(run, hang):
    result = await run(f"console.log('first'); console.warn('second', 2); {hang}", timeout_seconds=0.4)
    assert result.reason is Reason.TIMEOUT
    assert [entry.message for entry in result.logs] == ["first", "second"]


async def test_lines_stay_with_their_run(run):
    await run(
        "console.log('mine'); [].reverse.call({length: 2 ** 53 - 1})", owner="logs", timeout_seconds=0.1
    )
    await run("console.log('before')", owner="logs")
    assert (await run("return 1", owner="logs")).logs == ()


async def test_a_line_written_while_another_is_formatted_is_kept_too(run):
    result = await run("console.log('outer', {toJSON() { console.log('inner', 1); return 2; }}, 3)")
    assert [(entry.message, entry.data) for entry in result.logs] == [("inner", [1]), ("outer", [2, 3])]
