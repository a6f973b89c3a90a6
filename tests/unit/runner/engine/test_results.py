import pytest

from scriptorium_api.reasons import Reason

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("return {a: 1, b: [true, null]}", {"a": 1, "b": [True, None]}),
        ("return [1, 2]", {"value": [1, 2]}),
        ("return 'text'", {"value": "text"}),
        ("return new String('boxed')", {"value": "boxed"}),
        ("return 1.5", {"value": 1.5}),
        ("return false", {"value": False}),
        ("return new Date(0)", {"value": "1970-01-01T00:00:00.000Z"}),
        ("return NaN", {"value": None}),
        ("return {x: Infinity}", {"x": None}),
        ("return undefined", {}),
        ("return null", {}),
        ("", {}),
        ("return () => 1", {}),
        ("return Symbol('s')", {}),
        ("return {f() {}, s: Symbol('s'), u: undefined, n: null}", {"n": None}),
        ("return new Map([[1, 2]])", {}),
        ("return new Set([1])", {}),
        ("class Point { constructor() { this.x = 1; } }; return new Point()", {"x": 1}),
        ("return {toJSON() { return 'other'; }}", {"value": "other"}),
        ("return {toJSON() { return undefined; }}", {}),
        ("return {toJSON() { return null; }}", {"value": None}),
        ("return Promise.resolve({late: true})", {"late": True}),
        ("return {then(resolve) { resolve([1]); }}", {"value": [1]}),
        ("return '\\u0000\\ud83d\\ude00'", {"value": "\0😀"}),
        ("return '\\ud800'", {"value": "\ufffd"}),
        ("return 'x'.repeat(6000) + 'y'.repeat(6000)", {"value": "x" * 6000 + "y" * 6000}),
    ],
)
async def test_a_result_is_what_json_makes_of_it(run, source, output):
    result = await run(source)
    assert (result.reason, result.output) == (Reason.COMPLETED, output)


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("return {n: 1n}", "TypeError", "cannot be written as JSON: BigInt"),
        ("return 1n", "TypeError", "cannot be written as JSON: BigInt"),
        ("const o = {}; o.self = o; return o", "TypeError", "cannot be written as JSON: circular"),
        ("return {get x() { throw new RangeError('no x'); }}", "RangeError", "no x"),
        ("return {toJSON() { throw new RangeError('no json'); }}", "RangeError", "no json"),
    ],
)
async def test_a_result_that_json_cannot_hold_is_the_scripts_error(run, source, name, message):
    result = await run(source)
    assert (result.reason, result.error.name) == (Reason.SCRIPT_ERROR, name)
    assert message in result.error.message


async def test_output_over_its_limit_fails_and_names_both_sizes(run):
    result = await run("return {s: 'é'.repeat(600)}", output_kb=1)
    assert (result.reason, result.output) == (Reason.OUTPUT_LIMIT, None)
    assert result.error.message == "the output has 1208 bytes, the limit is 1024 (1 KB)"


async def test_output_of_exactly_its_limit_is_kept(run):
    result = await run("return {s: 'x'.repeat(1024 - 8)}", output_kb=1)
    assert result.reason is Reason.COMPLETED


async def test_output_far_over_its_limit_does_not_leave_the_worker(run):
    result = await run("return 'x'.repeat(6e6)", output_kb=1)
    assert result.reason is Reason.OUTPUT_LIMIT


async def test_output_nested_too_deep_is_refused(run):
    result = await run("let a = []; for (let i = 0; i < 500; i++) a = [a]; return a")
    assert result.reason is Reason.OUTPUT_LIMIT


async def test_the_context_is_given_as_ctx_context_and_input(run):
    result = await run(
        "return {same: ctx === context, input: input === ctx.input, tenant: ctx.tenant.name, attempt: "
        "ctx.execution.attempt, ids: [ctx.tenantId, ctx.userId, ctx.organizationId]}"
    )
    assert result.output == {
        "same": True,
        "input": True,
        "tenant": "shop",
        "attempt": 1,
        "ids": ["t-1", "u-7", "org-9"],
    }


async def test_without_a_user_and_an_organization_their_ids_are_null(run):
    result = await run(
        "return [ctx.user, ctx.userId, ctx.organizationId]", context={"user": None, "tenant": {"id": "t"}}
    )
    assert result.output == {"value": [None, None, None]}


@pytest.mark.parametrize(
    "change",
    [
        "ctx.tenant.id = 'other'",
        "input.order.items.push(4)",
        "delete ctx.user.name",
        "ctx.extra = 1",
        "ctx = {}",
        "globalThis.context = {}",
        "globalThis.input = {}",
        "console = null",
        "console.log = null",
        "Object.defineProperty(globalThis, 'ctx', {value: 1})",
    ],
)
async def test_what_a_script_is_given_cannot_be_changed(run, change):
    result = await run(change)
    assert (result.reason, result.error.name) == (Reason.SCRIPT_ERROR, "TypeError")


async def test_a_script_is_strict(run):
    assert (await run("undeclared = 1")).error.name == "ReferenceError"


async def test_await_works_at_the_top_level(run):
    assert (await run("const x = await Promise.resolve(2); return x * 21")).output == {"value": 42}


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("function main(input) { return input.order.items.length; }", {"value": 3}),
        ("const main = async ({order}) => ({sum: order.items[0]});", {"sum": 1}),
        ("let main; main = () => 'later'", {"value": "later"}),
        ("return 'ignored'; function main() { return 'called'; }", {"value": "called"}),
        ("await null; function main() { return Promise.resolve([1]); }", {"value": [1]}),
        ("function main() {} // trailing", {}),
    ],
)
async def test_the_entrypoint_is_called_with_the_input_after_the_body(run, source, output):
    result = await run(source, entrypoint="main")
    assert (result.reason, result.output) == (Reason.COMPLETED, output)


@pytest.mark.parametrize(
    ("source", "entrypoint"),
    [
        ("", "main"),
        ("const main = 5", "main"),
        ("{ const main = () => 1; }", "main"),
        ("globalThis.main = () => 1", "main"),
        ("", "parseInt"),
        ("return 1; const main = () => 1", "main"),
        ("", "return"),
        ("", "arguments"),
        ("", "f);globalThis.x=1;(()=>x"),
        ("", "a b"),
        ("", ""),
    ],
)
async def test_an_entrypoint_that_is_no_function_of_the_script_is_named(run, source, entrypoint):
    result = await run(source, entrypoint=entrypoint)
    assert result.reason is Reason.SCRIPT_ERROR
    assert result.error.message.startswith(f'entrypoint "{entrypoint}" is not a function in this script')


async def test_an_error_in_the_body_comes_before_the_entrypoint(run):
    result = await run("function main() { return 1; } throw new Error('body')", entrypoint="main")
    assert result.error.message == "body"


async def test_an_entrypoint_keeps_the_authors_lines(run):
    result = await run("function main() {\n  throw new Error('here');\n}", entrypoint="main")
    assert (result.error.line, result.error.stack) == (2, "    at main (script:2:13)")


async def test_a_result_tells_what_the_run_used(run):
    result = await run("let x = 0; for (let i = 0; i < 1e5; i++) x += i; return x")
    assert 0 < result.usage.cpu_ms < 20_000
    assert 1 < result.usage.peak_memory_mb < 60
    assert 0 < result.duration_ms < 20_000
    assert result.started_at.tzinfo is not None


@pytest.mark.parametrize("flaw", [{"source": "\0"}, {"source": "", "entrypoint": "a b"}])
async def test_a_program_that_no_worker_saw_has_not_started(run, flaw):
    assert (await run(**flaw)).started_at is None


async def test_peak_memory_belongs_to_one_run(run):
    large = await run("new Uint8Array(20e6).fill(1); return 1", owner="peaks")
    small = await run("return 1", owner="peaks")
    assert large.usage.peak_memory_mb - small.usage.peak_memory_mb > 15
