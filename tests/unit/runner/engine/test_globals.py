import pytest

from scriptorium_api.reasons import Reason

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    "name",
    [
        "fetch",
        "XMLHttpRequest",
        "WebSocket",
        "process",
        "require",
        "importScripts",
        "eval",
        "Function",
        "__dirname",
        "__filename",
        "std",
        "os",
        "print",
        "setTimeout",
        "setInterval",
        "Worker",
        "WebAssembly",
        "SharedArrayBuffer",
        "Atomics",
        "performance",
        "WeakRef",
        "FinalizationRegistry",
        "InternalError",
        "navigator",
        "gc",
        "port",
    ],
)
async def test_a_blocked_global_is_undefined(run, name):
    assert (await run(f'return typeof {name} + ("{name}" in globalThis)')).output == {
        "value": "undefinedfalse"
    }


@pytest.mark.parametrize(
    "source",
    [
        "import('os')",
        "(function () {}).constructor('return 1')()",
        "(function* () {}).constructor('yield 1')().next()",
        "(async function () {}).constructor('return 1')()",
        "(async function* () {}).constructor('return 1')().next()",
        "(class {}).constructor('return 1')()",
        "console.log.constructor('return 1')()",
        "Object.getPrototypeOf(async () => {}).constructor('return 1')()",
        "Reflect.construct((() => {}).constructor, ['return 1'])()",
        "Object.defineProperty(Object.getPrototypeOf(() => {}), 'constructor', {value: 1})",
        "Error.prepareStackTrace",
        "arguments[0]",
        "arguments.callee",
        "this",
    ],
)
async def test_no_road_leads_to_code_generation_or_the_host(run, source):
    result = await run(f"return {source}")
    assert result.reason is Reason.SCRIPT_ERROR or result.output == {}


async def test_what_hangs_on_a_stack_is_not_handed_out(run):
    source = "let seen = null; Error.prepareStackTrace = (e, sites) => { seen = sites; return ''; };"
    result = await run(f"{source} try {{ null.x }} catch (e) {{ e.stack }} return seen")
    assert result.output == {}


async def test_the_global_object_holds_only_language_and_what_was_given(run):
    result = await run("return Object.keys(globalThis).sort()")
    assert result.output == {"value": ["console", "context", "ctx", "env", "input", "utils"]}


@pytest.mark.parametrize(
    "patch",
    [
        "Array.prototype.push = Array.prototype.join = Array.prototype.map = () => { throw 1; }",
        "JSON.stringify = JSON.parse = () => { throw 1; }",
        "Promise.prototype.then = () => { throw 1; }",
        "Promise.resolve = Promise.prototype.catch = Promise.prototype.finally = () => { throw 1; }",
        "globalThis.Promise = null",
        "Map.prototype.get = Map.prototype.set = () => { throw 1; }",
        "Reflect.apply = Object.freeze = Object.defineProperty = () => { throw 1; }",
        "Object.defineProperty(Object.prototype, 'value', {set() { throw 1; }, get() { throw 1; }})",
        "Array.prototype[Symbol.iterator] = () => { throw 1; }",
        "String.prototype.slice = String.prototype.toString = () => { throw 1; }",
        "const p = Object.getPrototypeOf(() => 1); p.call = p.apply = p.toString = () => { throw 1; }",
        "globalThis.String = globalThis.TypeError = globalThis.Error = null",
        "Error.isError = () => { throw 1; }",
        "Error.stackTraceLimit = 0",
        "Object.setPrototypeOf(Array.prototype, null)",
        "Object.setPrototypeOf(globalThis, null)",
    ],
)
async def test_a_script_that_patches_primordials_still_gets_its_result(run, patch):
    result = await run(f"{patch}; console.log('m', {{a: 1}}); await null; return {{done: true}}")
    assert (result.reason, result.output) == (Reason.COMPLETED, {"done": True})
    assert [(entry.message, entry.data) for entry in result.logs] == [("m", [{"a": 1}])]


async def test_patched_json_garbles_only_its_own_result(run):
    result = await run("Object.prototype.toJSON = () => 'garbled'; return {a: 1}", owner="patched")
    assert result.output == {"value": "garbled"}
    assert (await run("return {a: 1}", owner="patched")).output == {"a": 1}


async def test_a_patched_promise_constructor_cannot_take_the_result(run):
    for patch in (
        "Promise.prototype.constructor = function () {}",
        "Object.defineProperty(Promise, Symbol.species, {})",
    ):
        result = await run(f"try {{ {patch} }} catch {{}} await null; return 1")
        assert result.output == {"value": 1}


async def test_nothing_outlives_an_execution(run):
    await run("globalThis.left = 1; Array.prototype.left = 1; Math.left = 1", owner="same")
    result = await run("return [typeof left, typeof [].left, typeof Math.left]", owner="same")
    assert result.output == {"value": ["undefined"] * 3}


async def test_random_numbers_differ_between_executions_and_workers(run):
    source = "return [Math.random(), Math.random()]"
    owners = ["r1", "r1", "r2", "r3", "r4", "r5"]
    seen = [tuple((await run(source, owner=owner)).output["value"]) for owner in owners]
    assert len({number for pair in seen for number in pair}) == 2 * len(owners)


async def test_the_steps_between_random_numbers_are_random_too(run):
    # One sequence for all, begun elsewhere in each run, would look random number by number.
    seen = [
        (await run("return [Math.random(), Math.random()]", owner="steps")).output["value"] for _ in "abcd"
    ]
    assert len({round((second - first) % 1, 9) for first, second in seen}) == len(seen)


async def test_traps_on_array_indices_garble_only_their_own_result(run):
    trap = "{set() { throw 1; }, get() { throw 1; }}"
    patch = f"for (const i of [0, 1, 2]) Object.defineProperty(Array.prototype, i, {trap})"
    result = await run(f"{patch}; console.log('kept'); return {{done: true}}", owner="patched")
    assert result.reason in (Reason.COMPLETED, Reason.SCRIPT_ERROR)
    assert [entry.message for entry in result.logs] == ["kept"]
    assert (await run("return {a: 1}", owner="patched")).output == {"a": 1}
