"""Code that means harm: every snippet ends in time, and the next execution works."""

import pytest

from scriptorium_api.reasons import Reason

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT_SECONDS = 0.3
#: The promise is limit + 250 ms; the rest is for a test machine that is busy with other things.
PATIENCE_MS = 5000

ENDLESS = {
    "a loop": "for (;;);",
    "a loop that catches": "for (;;) { try { for (;;); } catch {} finally { continue; } }",
    "a loop of microtasks": "for (;;) await 0",
    "microtasks": "const f = () => { queueMicrotask(f); queueMicrotask(f); }; await new Promise(f)",
    "async recursion": "const f = async () => { try { for (;;) await 0 } catch { await f() } }; await f()",
    "reverse": "[].reverse.call({length: 2 ** 53 - 1})",
    "copyWithin": "[].copyWithin.call({length: 2 ** 53 - 1}, 0, 1)",
    "shift": "[].shift.call({length: 2 ** 53 - 1})",
    "splice": "[].splice.call({length: 2 ** 53 - 1}, 0, 1)",
    "flat": "[].flat.call({length: 2 ** 53 - 1})",
    "join of a sparse array": "Array(2 ** 32 - 1).join('')",
    "String.raw": "String.raw({raw: {length: 2 ** 53 - 1}})",
    "quadratic indexOf": "const a = 'a'.repeat(4e6); a.indexOf('a'.repeat(2e6) + 'b')",
    "a regular expression": "/^(a+)+$/.test('a'.repeat(50) + 'b')",
    "a regular expression with back references": r"/(a*)*\1(a*)*\1$/.test('a'.repeat(60) + 'b')",
    "a comparator": "[3, 1, 2].sort(() => { for (;;); })",
    "a loop of BigInt powers": "for (let i = 0n; ; i++) 3n ** 300000n",
    "a loop of repeat": "for (;;) 'x'.repeat(1e7)",
    "a loop of JSON": "const a = Array(1e5).fill(1); for (;;) JSON.stringify(a)",
    "forEach over nothing": "[].indexOf.call({length: 2 ** 53 - 1}, 1)",
    "a generator": "for (const x of (function* () { for (;;) yield 1; })());",
    "a proxy": "for (;;) new Proxy({}, {get: () => 1}).x",
    "a getter in the result": "return {get x() { for (;;); }}",
    "toJSON in the result": "return {toJSON() { for (;;); }}",
    "a getter in a console line": "console.log({get x() { for (;;); }})",
    "a getter in an error": "throw {get message() { for (;;); }}",
    "a thenable": "return {then() { for (;;); }}",
    "a thenable whose end is caught": "try { await {get then() { for (;;); }} } catch {} return 1",
    "a getter named then": "return {get then() { for (;;); }}",
    "a name that never ends": "const e = new Error(); e.name = {toString() { for (;;); }}; throw e",
}


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS)
async def test_endless_work_is_stopped_at_the_limit(run, source):
    result = await run(source, owner="hostile", timeout_seconds=LIMIT_SECONDS)
    assert (result.reason, result.error.name) == (Reason.TIMEOUT, "ExecutionTimeout")
    assert result.error.message == "the script ran longer than its limit of 0.3 s"
    assert LIMIT_SECONDS * 1000 <= result.duration_ms < PATIENCE_MS
    assert (await run("return 'next'", owner="hostile")).output == {"value": "next"}


GREEDY = {
    "an array that grows": "const a = []; for (;;) a.push(Array(1000).fill(1))",
    "a string that doubles": "let s = 'x'; for (;;) s = JSON.parse(JSON.stringify(s + s))",
    "small objects": "const a = []; for (;;) a.push({})",
    "a map": "const m = new Map(); for (let i = 0; ; i++) m.set(i, {i})",
    "closures": "let f = () => 0; for (;;) { const g = f; f = () => g; }",
    "a huge array": "Array(1e9).fill(1)",
    "many buffers": "const a = []; for (;;) a.push(new ArrayBuffer(1e6))",
    "promises": "const a = []; for (;;) a.push(new Promise(() => {}))",
    "what is left on the global object": "globalThis.a = []; for (;;) a.push('x'.repeat(100) + a.length)",
    "after a good start": "await null; const a = []; for (;;) { await 0; a.push(Array(50000).fill(1)); }",
}


@pytest.mark.parametrize("source", GREEDY.values(), ids=GREEDY)
async def test_a_script_that_wants_too_much_memory_is_stopped(run, source):
    result = await run(source, owner="greedy", memory_mb=16)
    assert (result.reason, result.error.name) == (Reason.MEMORY_LIMIT, "MemoryLimit")
    assert result.error.message == "the script needs more memory than its limit of 16 MB"
    assert (await run("return 'next'", owner="greedy")).output == {"value": "next"}


REFUSED = {
    "a string beyond the engine's length": "'x'.repeat(2 ** 30)",
    "deep recursion": "(function f() { f(); })()",
    "deep recursion through natives": "(function f() { [0].map(f); })()",
    "a deep text": "JSON.parse('['.repeat(1e5))",
    "a deep result": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a",
    "a deep expression": "new RegExp('('.repeat(1e5))",
    "too many arguments": "Math.max.apply(null, Array(1e6))",
    "a huge buffer": "new ArrayBuffer(8e9)",
    "an enormous BigInt": "2n ** 10000000000n",
    "all of it in a getter": "return {get x() { return this.x; }}",
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
async def test_what_the_engine_refuses_is_the_scripts_error(run, source):
    result = await run(source, owner="refused")
    assert result.reason is Reason.SCRIPT_ERROR
    assert (await run("return 'next'", owner="refused")).output == {"value": "next"}


async def test_memory_that_ran_out_can_be_caught(run):
    result = await run("try { Array(1e9).fill(1) } catch { return 'caught' }", memory_mb=16)
    assert result.output == {"value": "caught"}


@pytest.mark.parametrize(
    "work",
    [
        "(async () => { for (;;) await 0; })()",
        "queueMicrotask(function f() { queueMicrotask(f); })",
        "new Promise(() => {})",
    ],
)
async def test_work_left_behind_ends_with_the_script(run, work):
    result = await run(f"{work}; return 'done'", owner="left")
    assert (result.reason, result.output) == (Reason.COMPLETED, {"value": "done"})
    assert (await run("return 'next'", owner="left")).output == {"value": "next"}
