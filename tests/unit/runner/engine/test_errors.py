import pytest

from scriptorium_api.reasons import Reason

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("throw new TypeError('x')", ("TypeError", "x", 1, 11)),
        ("\n\n  throw new Error('third')", ("Error", "third", 3, 13)),
        ("const f = () => { null.x };\nf()", ("TypeError", "cannot read property 'x' of null", 1, 19)),
        (
            "await null;\nawait (async () => {\n await 0; throw new RangeError('deep') })()",
            ("RangeError", "deep", 3, 21),
        ),
        ("[1].map(() => {\n throw new Error('inside') })", ("Error", "inside", 2, 12)),
        ("missing()", ("ReferenceError", "missing is not defined", 1, 1)),
        ("/* 😀é */ throw new Error('columns')", ("Error", "columns", 1, 21)),
        ("class Mine extends Error { name = 'Mine' }\nthrow new Mine('own')", ("Mine", "own", 2, 11)),
        ("/* 😀 */ class Mine extends Error {} throw new Mine('one line')", ("Error", "one line", 1, 48)),
        (
            "const f = () => {};\n  const Mine = class extends Error {};\nthrow new Mine('m')",
            ("Error", "m", 3, 11),
        ),
        ("missing(class {})", ("ReferenceError", "missing is not defined", 1, 1)),
        ("return Promise.reject(new Error('rejected'))", ("Error", "rejected", 1, 27)),
    ],
)
async def test_an_error_is_reported_where_its_author_finds_it(run, source, error):
    result = await run(source)
    assert result.reason is Reason.SCRIPT_ERROR
    found = result.error
    assert (found.name, found.message, found.line, found.column) == error


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("let b = ;", 1, 9),
        ("/* é😀 */ let b = ;", 1, 19),
        ("const a = 1;\nreturn a +;", 2, 11),
        ("function f() {\n  return 1;", 2, 12),
        ("'unterminated", 1, 1),
        ("import x from 'y'", 1, 8),
        ("let twice; let twice;", 1, 21),
        ("with (ctx) {}", 1, 1),
        ("a\0b", 1, 2),
        ("// one\n'\ud800'", 2, 2),
    ],
)
async def test_a_syntax_error_is_reported_where_its_author_finds_it(run, engine, source, line, column):
    result = await run(source)
    assert (result.reason, result.error.name) == (Reason.SYNTAX_ERROR, "SyntaxError")
    assert (result.error.line, result.error.column) == (line, column)
    assert await engine.validate_syntax(source) == result.error


@pytest.mark.parametrize("source", ["", "return 1", "await 0; // end", "/* a */", "'use strict'; return 1"])
async def test_good_syntax_is_good(engine, source):
    assert await engine.validate_syntax(source) is None


@pytest.mark.parametrize(
    "source",
    [
        "return 1}, async function(){ return 2",
        "}); globalThis.broken = 1; (async function(){",
        "}), (() => { throw new Error('SyntaxError: mine') })(), (async function(){",
        "}); 5; (function(){",
    ],
)
async def test_a_source_that_closes_its_wrapper_is_no_script(run, engine, source):
    assert (await run(source)).reason is Reason.SYNTAX_ERROR
    assert (await engine.validate_syntax(source)).name == "SyntaxError"


async def test_code_that_runs_while_its_syntax_is_checked_is_stopped(engine):
    error = await engine.validate_syntax("}); for(;;); (async function(){")
    assert error.name == "ExecutionTimeout"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("throw 5", "5"),
        ("throw 'text'", '"text"'),
        ("throw {code: 7}", '{"code":7}'),
        ("throw undefined", "undefined"),
        ("throw null", "null"),
        ("throw 10n", "10"),
        ("throw Symbol('s')", "Symbol(s)"),
        ("throw () => 1", "[Function: ]"),
        ("return Promise.reject([1])", "[1]"),
    ],
)
async def test_something_thrown_that_is_no_error_is_shown(run, source, message):
    result = await run(source)
    assert (result.reason, result.error.name, result.error.message) == (
        Reason.SCRIPT_ERROR,
        "Uncaught",
        message,
    )


@pytest.mark.parametrize(
    "source",
    [
        "throw {get message() { throw 1; }}",
        "throw new Proxy({}, {get() { throw 1; }, getPrototypeOf() { throw 2; }})",
        "const e = new Error('x'); Object.defineProperty(e, 'name', {get() { throw e; }}); throw e",
        "const e = new Error('x'); e.name = {toString() { throw 1; }}; throw e",
        "const e = new Error('x'); e.stack = {toString() { return 5; }}; throw e",
        "throw Object.create(null)",
        "const r = Proxy.revocable({}, {}); r.revoke(); throw r.proxy",
    ],
)
async def test_an_error_that_defends_itself_is_still_an_error(run, source):
    assert (await run(source)).reason is Reason.SCRIPT_ERROR


@pytest.mark.parametrize("message", ["out of memory", "interrupted", "stack overflow"])
async def test_an_error_with_the_engines_words_stays_the_scripts_error(run, message):
    for thrown in (
        f"new Error('{message}')",
        f"new SyntaxError('{message}')",
        f"'{message}'",
        f"{{message: '{message}', name: 'InternalError'}}",
    ):
        result = await run(f"throw {thrown}")
        assert result.reason is Reason.SCRIPT_ERROR


async def test_endless_recursion_is_the_scripts_error(run):
    result = await run("function f() { return f() + 1; }\nf()")
    assert (result.reason, result.error.name, result.error.line) == (Reason.SCRIPT_ERROR, "RangeError", 1)


@pytest.mark.parametrize(
    "source",
    [
        "await new Promise(() => {})",
        "return {then() {}}",
        "await {then() {}}",
        "await new Promise(r => { globalThis.r = r })",
    ],
)
async def test_a_script_that_can_never_settle_ends_at_once(run, source):
    result = await run(source, timeout_seconds=600)
    assert (result.reason, result.error.name) == (Reason.SCRIPT_ERROR, "UnsettledPromise")


async def test_a_stack_shows_only_the_authors_frames(run):
    result = await run(
        "const inner = () => { throw new Error('x') };\nfunction outer() { inner() }\n[0].forEach(outer)"
    )
    assert result.error.stack.splitlines() == [
        "    at inner (script:1:33)",
        "    at outer (script:2:20)",
        "    at forEach (native)",
        "    at <anonymous> (script:3:13)",
    ]


async def test_a_position_inside_a_text_is_not_taken_for_one_in_the_script(run):
    result = await run("\nJSON.parse('{\\n\\n\\n\\n x')")
    assert (result.error.name, result.error.line) == ("SyntaxError", 2)


async def test_no_path_of_the_host_is_ever_shown(run):
    for source in (
        "null.x",
        "import('/etc/passwd')",
        "await import('os')",
        "JSON.parse('{')",
        "console.log.call.call(1)",
    ):
        error = (await run(f"return {source}")).error
        assert not any(word in f"{error}" for word in ("<input>", "/usr", "/work", ".py", "site-packages"))


async def test_messages_and_stacks_are_capped(run):
    result = await run(
        "const e = new Error('m'.repeat(1e6)); e.stack = '    at x (native)\\n'.repeat(1e5); throw e"
    )
    assert (len(result.error.message), len(result.error.stack)) == (4096, 4096)


async def test_an_error_in_a_microtask_that_nobody_waits_for_ends_the_run(run):
    result = await run(
        "queueMicrotask(() => { throw new TypeError('alone') }); await null; await null; await null;"
    )
    assert (result.reason, result.error.name, result.error.message) == (
        Reason.SCRIPT_ERROR,
        "TypeError",
        "alone",
    )
