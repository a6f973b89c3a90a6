"""Scripts that try to speak for the sandbox: forge a reason, break the worker, say what nobody can read."""

import json

import pytest

from scriptorium_api.reasons import Reason

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: A job that ends with an error of the script's own: a promise of a class whose resolve function throws.
ARMED_PROMISE = """
let armed = false;
class Armed extends Promise {
  constructor(executor) {
    super(() => {});
    executor(() => { if (armed) throw THROWN; }, () => {});
  }
}
const settled = Promise.resolve(1);
Object.defineProperty(settled, "constructor", { value: Armed });
settled.then(() => 2);
armed = true;
for (let i = 0; i < 9; i++) await null;
"""
OUT_OF_MEMORY = "Object.assign(new Error('out of memory\\n'), {name: 'InternalError'})"
THROWS_WHEN_READ = "{toString() { throw 1; }, get stack() { throw 2; }}"
LOGS_WHEN_READ = "{toString() { console.log('read'); return 'text'; }, get stack() { console.log('read'); }}"


def throw_in_a_microtask(thrown: str) -> str:
    return f"queueMicrotask(() => {{ throw {thrown}; }}); await null; await null"


FORGERIES = {
    "no memory, in a microtask": throw_in_a_microtask(OUT_OF_MEMORY),
    "no memory, in a promise's own job": ARMED_PROMISE.replace("THROWN", OUT_OF_MEMORY),
    "no memory, of a regular expression": "throw new SyntaxError('out of memory')",
    "no memory, as a text": "throw 'InternalError: out of memory\\n'",
    "an interrupt": throw_in_a_microtask("new Error('interrupted')"),
    "a line's words": "console.log('value', '{}'); console.log('room'); throw 1",
    "an error that logs while it is read": throw_in_a_microtask(LOGS_WHEN_READ),
    "an error that throws while it is read": throw_in_a_microtask(THROWS_WHEN_READ),
    "raw JSON that no double holds": "return {a: JSON.rawJSON('1e400')}",
    "raw JSON that is half a character": "return {a: JSON.rawJSON('\"\\ud800\"')}",
}


@pytest.mark.parametrize("source", FORGERIES.values(), ids=FORGERIES)
async def test_a_script_cannot_choose_the_reason_of_its_end(run, source):
    result = await run(source, owner="forger")
    assert result.reason is Reason.SCRIPT_ERROR
    # Else the script did not get as far as its forgery.
    assert "read-only" not in result.error.message
    assert not any(word in f"{result.error}" for word in ("0x", "_quickjs", "Python", "exception set"))
    assert (await run("return 'next'", owner="forger")).output == {"value": "next"}


@pytest.mark.parametrize("thrown", [OUT_OF_MEMORY, LOGS_WHEN_READ, "new RangeError('x')", "null"])
async def test_what_runs_while_a_source_is_parsed_ends_as_a_syntax_error(run, engine, thrown):
    source = f"}}); console.log('early'); throw {thrown}; (async function(){{"
    result = await run(source, owner="forger")
    assert (result.reason, result.logs) == (Reason.SYNTAX_ERROR, ())
    assert (await engine.validate_syntax(source)).name == "SyntaxError"


async def test_a_source_that_is_nested_too_deeply_is_told_so(run):
    result = await run("return " + "(" * 20_000 + "1" + ")" * 20_000)
    assert result.reason is Reason.SYNTAX_ERROR
    assert "nested too deeply" in result.error.message


EMPTY_STACK = "let left = 300; const f = () => { try { f(); } catch {} if (left-- > 0) LINE; }; f();"
EMPTY_HEAP = """
const words = Array(60000).fill(1), heap = [];
try { for (;;) heap.push(new ArrayBuffer(100000)); } catch {}
heap.length -= 4;
for (let i = 0; i < 150; i++) { try { console.log(...words); } catch {} heap.push(new ArrayBuffer(1000)); }
heap.length = 0;
"""


@pytest.mark.parametrize(
    "source",
    [
        EMPTY_STACK.replace("LINE", "console.log('line')"),
        EMPTY_STACK.replace("LINE", "console.log('line', 'a', 'b', 'c')"),
        EMPTY_HEAP,
    ],
    ids=["stack", "stack, with data", "heap"],
)
async def test_a_line_for_which_nothing_is_left_is_no_result(run, source):
    result = await run(f"{source} return {{done: true}}", owner="line", memory_mb=16)
    assert result.reason in (Reason.COMPLETED, Reason.MEMORY_LIMIT)
    assert all(entry.message in ("line", "1") for entry in result.logs)


async def test_a_line_of_too_many_words_costs_neither_memory_nor_the_run(run):
    flood = "console.log(...Array(7000).fill('x'.repeat(16000))); console.log('after'); return 1"
    result = await run(flood, owner="words")
    assert (result.reason, result.logs[-1].message) == (Reason.COMPLETED, "after")
    assert result.usage.peak_memory_mb is None or result.usage.peak_memory_mb < 64


async def test_data_that_is_nested_too_deeply_keeps_its_line(run):
    result = await run("let a = 1; for (let i = 0; i < 2000; i++) a = [a]; console.log('deep', a); return 1")
    assert [entry.message for entry in result.logs] == ["deep"]
    assert not result.logs_truncated
    assert '"[nested too deeply]"' in json.dumps(result.logs[0].data)


async def test_a_microtask_is_the_authors_own_and_fails_like_any_other(run):
    result = await run("\nqueueMicrotask(() => {\n null.x; }); await null; await null; await null")
    assert (result.error.name, result.error.line, result.error.column) == ("TypeError", 3, 2)
    for nothing in ("", "1", "{}"):
        result = await run(f"queueMicrotask({nothing})")
        assert (result.reason, result.error.name, result.error.line) == (Reason.SCRIPT_ERROR, "TypeError", 1)
    assert (await run("let n = 0; queueMicrotask(() => n++); await null; return n")).output == {"value": 1}


async def test_numbers_reach_the_output_as_every_reader_of_json_sees_them(run):
    result = await run("return {a: 2 ** 53, b: 2 ** 64, c: -(2 ** 63), d: 1e21, e: -0, f: NaN, g: 1e308}")
    numbers = {"a": 2**53, "b": 2.0**64, "c": -(2.0**63), "d": 1e21, "e": 0, "f": None, "g": 1e308}
    assert {key: pytest.approx(value, rel=1e-15) if value else value for key, value in numbers.items()} == (
        result.output
    )
    assert isinstance(result.output["a"], int)
    assert isinstance(result.output["b"], float)
