"""Scripts that attack the host channel in the language: they garble their own words at most."""

import asyncio

import pytest

from scriptorium_api.reasons import Reason
from tests.unit.runner.engine.hosts import FakeHost, answering, failing, hanging

pytestmark = pytest.mark.asyncio(loop_scope="session")

THROW = "() => { throw 1; }"
POLLUTIONS = {
    "then": f"Promise.prototype.then = {THROW}",
    "catch and finally": f"Promise.prototype.catch = Promise.prototype.finally = {THROW}",
    "the promise's makers": f"Promise.resolve = Promise.reject = Promise.all = {THROW}",
    "the promise itself": "globalThis.Promise = class { constructor() { throw 1; } }",
    "JSON": f"JSON.stringify = JSON.parse = {THROW}; globalThis.JSON = null",
    "lists": f"for (const key of ['push', 'join', 'map', 'slice', 'shift']) Array.prototype[key] = {THROW}",
    "the iterator": f"Array.prototype[Symbol.iterator] = String.prototype[Symbol.iterator] = {THROW}",
    "the iterator's next": f"Object.getPrototypeOf([][Symbol.iterator]()).next = {THROW}",
    "descriptors": "for (const k of ['get', 'set', 'value', 'writable']) Object.prototype[k] = () => 1",
    "setters of a call's own words": f"""
      for (const k of ['method', 'text', 'next', 'resolve', 'reject', 'error', 'convert', 'counts', 'number'])
        Object.defineProperty(Object.prototype, k, {{set: {THROW}, get: {THROW}, configurable: true}})""",
    "constructors": f"Object.defineProperty(Object.prototype, 'constructor', {{set: {THROW}, get: {THROW}}})",
    "Reflect and Object": f"Reflect.apply = Object.defineProperty = Object.freeze = {THROW}",
    "Error": f"globalThis.Error = globalThis.TypeError = globalThis.RangeError = {THROW}",
    "the errors' stack": "Error.stackTraceLimit = 0; Error.prepareStackTrace = () => { throw 1; }",
    "text": f"String.prototype.slice = String.prototype.indexOf = String.prototype.toString = {THROW}",
    "functions": "const f = Object.getPrototypeOf(() => 1); f.call = f.apply = f.bind = f.toString = null",
    "no prototype": "Object.setPrototypeOf(Array.prototype, null); Object.setPrototypeOf(globalThis, null)",
}


@pytest.mark.parametrize("pollution", POLLUTIONS.values(), ids=POLLUTIONS)
async def test_a_script_that_patches_the_language_still_has_its_calls(run, pollution):
    host = FakeHost()
    source = (
        f"{pollution}; const r = await scripts.call('name', {{a: 'x'}}); return {{arguments: r.arguments}}"
    )
    result = await run(source, host=host, owner="polluter")
    assert result.reason is Reason.COMPLETED, result.error
    assert result.output == {"arguments": ["name", {"a": "x"}]}
    assert host.asked == [("scripts.call", ["name", {"a": "x"}])]
    clean = await run("return (await scripts.call('next')).arguments[0]", host=FakeHost(), owner="polluter")
    assert clean.output == {"value": "next"}


@pytest.mark.parametrize("pollution", POLLUTIONS.values(), ids=POLLUTIONS)
async def test_a_script_that_patches_the_language_still_gets_its_errors(run, pollution):
    source = f"{pollution}; try {{ await scripts.call('n') }} catch (e) {{ return {{code: e.code}} }}"
    result = await run(source, host=failing(), owner="polluter")
    assert (result.reason, result.output) == (Reason.COMPLETED, {"code": "PermissionDenied"})


GARBLERS = {
    "toJSON of lists": "Array.prototype.toJSON = () => VALUE",
    "toJSON of all": "Object.prototype.toJSON = () => VALUE",
    "toJSON of text": "String.prototype.toJSON = () => VALUE",
}


@pytest.mark.parametrize("value", ["1", "undefined", "'],[1'", "null", "[]", "['http.get', 7]", "1n"])
@pytest.mark.parametrize("garbler", GARBLERS.values(), ids=GARBLERS)
async def test_a_script_that_garbles_its_arguments_stays_within_its_own_call(run, garbler, value):
    host = FakeHost()
    source = f"{garbler.replace('VALUE', value)}; await scripts.call('a', {{}}).catch(() => {{}}); return 1"
    result = await run(source, host=host, owner="garbler")
    assert result.reason in (Reason.COMPLETED, Reason.SCRIPT_ERROR), result.error
    assert all(method == "scripts.call" for method, _ in host.asked)
    assert (await run("return 'next'", owner="garbler")).output == {"value": "next"}


@pytest.mark.parametrize(
    "source",
    [
        "scripts.call = () => 'mine'",
        "scripts = {}",
        "delete scripts.call",
        "Object.defineProperty(http, 'get', {value: 1})",
        "delete globalThis.http",
        "Object.defineProperty(globalThis, 'scripts', {value: 1})",
    ],
)
async def test_host_functions_cannot_be_replaced(run, source):
    result = await run(source, host=FakeHost())
    assert (result.reason, result.error.name) == (Reason.SCRIPT_ERROR, "TypeError")


@pytest.mark.parametrize(
    "road",
    [
        "scripts.call.constructor('return 1')()",
        "(await scripts.call('x')).constructor.constructor('return 1')()",
        "scripts.call('x').constructor.constructor('return 1')()",
        "(await http.get('x')).text.constructor('return 1')()",
        "scripts.call.caller",
        "scripts.call.arguments",
        "utils.uuid.constructor('return 1')()",
    ],
)
async def test_no_road_leads_from_a_host_function_to_code(run, road):
    result = await run(f"return {road}", host=FakeHost())
    assert result.reason is Reason.SCRIPT_ERROR or result.output == {}


async def test_an_answer_that_looks_like_a_promise_is_data(run):
    host = answering({"then": "text", "__proto__": {"polluted": True}, "constructor": 1})
    source = """
const a = await scripts.call('x');
return {then: a.then, polluted: typeof ({}).polluted, own: Object.keys(a)}"""
    assert (await run(source, host=host)).output == {
        "then": "text",
        "polluted": "undefined",
        "own": ["then", "__proto__", "constructor"],
    }


async def test_a_then_on_every_object_gets_no_more_than_the_script_has(run):
    source = """
const seen = [];
Object.defineProperty(Object.prototype, 'then', {
  configurable: true, get() { seen.push(Object.keys(this)); }
});
const answer = await scripts.call('x');
delete Object.prototype.then;
return {seen, arguments: answer.arguments};
"""
    result = await run(source, host=FakeHost())
    assert result.output == {"seen": [["arguments"]], "arguments": ["x", None]}


async def test_a_call_within_a_call_is_a_call_of_its_own(run):
    host = FakeHost()
    source = """
const inner = [];
const input = {toJSON() { inner.push(scripts.call('inner')); return 'outer'; }};
const outer = await scripts.call(input);
return [outer.arguments[0], (await inner[0]).arguments[0]];
"""
    assert (await run(source, host=host)).output == {"value": ["outer", "inner"]}
    assert len(host.asked) == 2


async def test_getters_that_never_end_while_arguments_are_read_are_stopped(run):
    host = FakeHost()
    result = await run("await scripts.call({toJSON() { for (;;); }})", host=host, timeout_seconds=0.3)
    assert (result.reason, host.asked) == (Reason.TIMEOUT, [])
    assert result.duration_ms < 3000


async def test_answers_that_never_end_being_worked_on_are_stopped(run):
    source = "Object.defineProperty(Object.prototype, 'then', {get() { for (;;); }}); await scripts.call('x')"
    result = await run(source, host=FakeHost(), timeout_seconds=0.3)
    assert result.reason is Reason.TIMEOUT
    assert result.duration_ms < 3000


@pytest.mark.parametrize(
    "flood",
    [
        "for (;;) scripts.call('x').catch(() => {})",
        "const f = () => scripts.call('x').then(f, f); for (let i = 0; i < 60; i++) f(); await f()",
        "await Promise.all(Array.from({length: 1000}, () => scripts.call('x'.repeat(100000))))",
    ],
    ids=["at once", "each by the last", "with much to say"],
)
async def test_neighbours_of_a_flood_of_calls_run_on(run, flood):
    running = asyncio.create_task(run(flood, host=FakeHost(), owner="flood", api_calls=500))
    for number in range(20):
        result = await run(
            f"return (await scripts.call({number})).arguments[0]", host=FakeHost(), owner="calm"
        )
        assert result.output == {"value": number}
        assert result.duration_ms < 2000
    assert (await running).reason is Reason.API_CALL_LIMIT


async def test_what_waits_for_ever_leaves_room_for_others_when_it_is_cancelled(run):
    for _ in range(10):
        cancelled = asyncio.Event()
        host = hanging()
        waiting = asyncio.create_task(run("await scripts.call('x')", host=host, cancelled=cancelled))
        await asyncio.sleep(0)
        cancelled.set()
        assert (await waiting).reason is Reason.CANCELLED
        assert host.open == 0


@pytest.mark.parametrize("index", [0, 1, 2])
async def test_a_script_that_breaks_the_engines_own_lists_harms_itself_alone(run, index):
    # JSON.stringify of this engine goes through setters that are put before the first places of all lists.
    pollution = f"Object.defineProperty(Array.prototype, {index}, {{set: {THROW}, get: {THROW}}})"
    source = f"{pollution}; await scripts.call('a', {{b: {{c: [1]}}}}); return {{a: 1}}"
    result = await run(source, host=FakeHost(), owner="breaker")
    assert result.reason in (Reason.COMPLETED, Reason.SCRIPT_ERROR)
    clean = await run("return (await scripts.call('next')).arguments[0]", host=FakeHost(), owner="breaker")
    assert clean.output == {"value": "next"}
