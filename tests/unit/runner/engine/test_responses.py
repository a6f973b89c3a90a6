"""What becomes of the result of a script that answers an HTTP request."""

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import HttpRequest

pytestmark = pytest.mark.asyncio(loop_scope="session")

GET = HttpRequest(method="GET", path="/")
TEXT = (("content-type", "text/plain; charset=utf-8"),)
BYTES = (("content-type", "application/octet-stream"),)
JSON = (("content-type", "application/json"),)


@pytest.mark.parametrize(
    ("returned", "status", "headers", "body"),
    [
        ("undefined", 204, (), b""),
        ("null", 204, (), b""),
        ("'text'", 200, TEXT, b"text"),
        ("''", 200, TEXT, b""),
        ("'é😀\\0end'", 200, TEXT, "é😀\0end".encode()),
        ("'a\\ud800b'", 200, TEXT, "a\ufffdb".encode()),
        ("'a'.repeat(3000) + 'é'.repeat(3000)", 200, TEXT, ("a" * 3000 + "é" * 3000).encode()),
        ("5", 200, JSON, b"5"),
        ("NaN", 200, JSON, b"null"),
        ("false", 200, JSON, b"false"),
        ("[1, 2]", 200, JSON, b"[1,2]"),
        ("{}", 200, JSON, b"{}"),
        ("{a: 'é'}", 200, JSON, '{"a":"é"}'.encode()),
        ("{toJSON: () => 1}", 200, JSON, b"1"),
        ("new Date(0)", 200, JSON, b'"1970-01-01T00:00:00.000Z"'),
        ("new String('boxed')", 200, JSON, b'"boxed"'),
        ("new Uint8Array([0, 255])", 200, BYTES, b"\0\xff"),
        ("new Uint8Array([1, 2, 3]).subarray(1)", 200, BYTES, b"\2\3"),
        ("new Uint8Array([1, 2]).buffer", 200, BYTES, b"\1\2"),
        ("new Uint8Array(0)", 200, BYTES, b""),
        ("Promise.resolve('late')", 200, TEXT, b"late"),
        ("{status: 200}", 200, (), b""),
        ("{status: 204}", 204, (), b""),
        ("{status: 404, body: null}", 404, (), b""),
        ("{status: 599, body: 'x'}", 599, TEXT, b"x"),
        ("{status: 200.0, body: 1}", 200, JSON, b"1"),
        ("{status: 201, body: {a: 1}}", 201, JSON, b'{"a":1}'),
        ("{status: 201, body: [1]}", 201, JSON, b"[1]"),
        ("{status: 201, body: 0}", 201, JSON, b"0"),
        ("{status: 201, body: false}", 201, JSON, b"false"),
        ("{status: 200, body: ''}", 200, TEXT, b""),
        ("{status: 304, headers: {etag: 'x'}}", 304, (("etag", "x"),), b""),
        ("{status: 204, body: ''}", 204, (), b""),
        ("{status: 200, headers: null, body: undefined}", 200, (), b""),
        ("{status: 302, headers: {Location: '/a'}}", 302, (("Location", "/a"),), b""),
        ("{status: 200, headers: {n: 5, m: 1e21}}", 200, (("n", "5"), ("m", "1e+21")), b""),
        ("{status: 200, headers: {a: ' x\\t'}}", 200, (("a", "x"),), b""),
        ("{status: 200, headers: {a: []}}", 200, (), b""),
        ("{status: 200, headers: Object.assign(Object.create(null), {a: 'x'})}", 200, (("a", "x"),), b""),
        (
            "{status: 200, headers: {'Set-Cookie': ['a=1', 'b=2', 3]}}",
            200,
            (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Set-Cookie", "3")),
            b"",
        ),
        (
            "{status: 200, headers: {'Content-Type': 'text/html'}, body: 'x'}",
            200,
            (("Content-Type", "text/html"),),
            b"x",
        ),
    ],
)
async def test_a_result_becomes_an_answer(run, returned, status, headers, body):
    result = await run(f"return {returned}", request=GET)
    assert result.reason is Reason.COMPLETED, result.error
    assert result.output is None
    answer = result.response
    assert (answer.status, answer.headers, answer.body) == (status, headers, body)


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ("{status: 'ok'}", b'{"status":"ok"}'),
        ("{status: null}", b'{"status":null}'),
        ("{status: 200, other: 1}", b'{"status":200,"other":1}'),
        ("{status: 7, body: 1, id: 2}", b'{"status":7,"body":1,"id":2}'),
        ("{headers: {a: 1}, body: 'x'}", b'{"headers":{"a":1},"body":"x"}'),
        ("{body: 'x'}", b'{"body":"x"}'),
        ("[200]", b"[200]"),
        ("Object.assign([], {status: 200})", b"[]"),
    ],
)
async def test_what_only_looks_like_an_answer_is_json(run, returned, body):
    result = await run(f"return {returned}", request=GET)
    assert (result.response.status, result.response.headers, result.response.body) == (200, JSON, body)


@pytest.mark.parametrize(
    ("returned", "part"),
    [
        ("{status: 100}", "status must be a whole number from 200 to 599, it is 100"),
        ("{status: 199}", "it is 199"),
        ("{status: 600}", "it is 600"),
        ("{status: -1}", "it is -1"),
        ("{status: 200.5}", "it is 200.5"),
        ("{status: NaN}", "status must be"),
        ("{status: Infinity, body: 1}", "status must be"),
        ("{status: 1e300}", "status must be"),
        ("{status: '200', body: 1}", "status must be"),
        ("{status: undefined, body: 1}", "status must be"),
        ("{status: 200n, body: 1}", "status must be"),
        ("{status: new Number(200), body: 1}", "status must be"),
        ("{status: 204, body: 'x'}", "an answer of status 204 has no body"),
        ("{status: 205, body: 'x'}", "an answer of status 205 has no body"),
        ("{status: 304, body: {}}", "an answer of status 304 has no body"),
        ("{status: 200, headers: 'a: b'}", "headers must be a plain object"),
        ("{status: 200, headers: ['a']}", "headers must be a plain object"),
        ("{status: 200, headers: new Map([['a', 'b']])}", "headers must be a plain object"),
        ("{status: 200, headers: 5}", "headers must be a plain object"),
        ("{status: 200, headers: {a: null}}", 'the header "a" must be a string'),
        ("{status: 200, headers: {a: undefined}}", 'the header "a" must be a string'),
        ("{status: 200, headers: {a: true}}", 'the header "a" must be a string'),
        ("{status: 200, headers: {a: {}}}", 'the header "a" must be a string'),
        ("{status: 200, headers: {a: [['b']]}}", 'the header "a" must be a string'),
        ("{status: 200, headers: {a: 'é'}}", 'the header "a" must be printable ASCII'),
        ("{status: 200, headers: {'': 'x'}}", '"" is no name'),
        ("{status: 200, headers: {'a b': 'x'}}", '"a b" is no name'),
        (
            "{status: 200, headers: {'Content-Length': 5}, body: 'hello'}",
            '"Content-Length" is the platform\'s',
        ),
        ("{status: 200, headers: {connection: 'close'}}", '"connection" is the platform\'s'),
        (
            "{status: 200, headers: {'transfer-encoding': 'chunked'}}",
            '"transfer-encoding" is the platform\'s',
        ),
        ("{status: 200, headers: {'keep-alive': '1'}}", '"keep-alive" is the platform\'s'),
        ("{status: 200, headers: {UPGRADE: 'h2c'}}", '"UPGRADE" is the platform\'s'),
        ("{status: 200, headers: {te: 'x'}}", '"te" is the platform\'s'),
        ("{status: 200, headers: {Trailer: 'x'}}", '"Trailer" is the platform\'s'),
        ("{status: 200, headers: {'Proxy-Authenticate': 'x'}}", '"Proxy-Authenticate" is the platform\'s'),
        ("{status: 200, headers: {'content-type': 'a', 'Content-Type': 'b'}}", "more than once"),
        ("{status: 200, body: () => 1}", "body is of type function"),
        ("{status: 200, body: Symbol('s')}", "body is of type symbol"),
        ("{status: 200, body: {toJSON: () => undefined}}", "body is of type object"),
        ("{status: 200, body: Promise.resolve(1)}", "body is a promise: await it"),
        ("{status: 200, body: new Uint16Array(2)}", "body is a view of other than bytes"),
        ("new DataView(new ArrayBuffer(2))", "body is a view of other than bytes"),
        ("() => 1", "body is of type function"),
        ("Symbol('s')", "body is of type symbol"),
    ],
)
async def test_what_is_no_answer_is_the_scripts_error_and_names_the_part(run, returned, part):
    result = await run(f"return {returned}", request=GET)
    assert (result.reason, result.response) == (Reason.SCRIPT_ERROR, None)
    assert result.error.name == "InvalidResponse"
    assert part in result.error.message


@pytest.mark.parametrize(
    ("returned", "name", "message"),
    [
        ("{status: 200, body: {n: 1n}}", "TypeError", "cannot be written as JSON: BigInt"),
        ("1n", "TypeError", "cannot be written as JSON: BigInt"),
        ("{status: 200, body: {get x() { throw new RangeError('no x'); }}}", "RangeError", "no x"),
        ("{get status() { throw new RangeError('no status'); }}", "RangeError", "no status"),
        ("{status: 200, headers: {get a() { throw new RangeError('no a'); }}}", "RangeError", "no a"),
    ],
)
async def test_an_error_while_an_answer_is_read_is_the_scripts_own(run, returned, name, message):
    result = await run(f"return {returned}", request=GET)
    assert (result.reason, result.error.name) == (Reason.SCRIPT_ERROR, name)
    assert message in result.error.message


@pytest.mark.parametrize(
    ("returned", "size"),
    [
        ("'x'.repeat(1025)", 1025),
        ("'é'.repeat(513)", 1026),
        ("'é'.repeat(600)", 1200),
        ("new Uint8Array(1025)", 1025),
        ("{status: 500, body: 'x'.repeat(5e6)}", 5_000_000),
        ("['x'.repeat(1021)]", 1025),
    ],
)
async def test_a_body_over_its_limit_fails_and_names_both_sizes(run, returned, size):
    result = await run(f"return {returned}", request=GET, output_kb=1)
    assert (result.reason, result.response) == (Reason.OUTPUT_LIMIT, None)
    assert result.error.message == f"the body of the answer has {size} bytes, the limit is 1024 (1 KB)"


@pytest.mark.parametrize("returned", ["'x'.repeat(1024)", "'é'.repeat(512)", "new Uint8Array(1024)"])
async def test_a_body_of_exactly_its_limit_is_sent_and_headers_do_not_count_in_it(run, returned):
    source = f"return {{status: 200, headers: {{a: 'x'.repeat(30000)}}, body: {returned}}}"
    result = await run(source, request=GET, output_kb=1)
    assert result.reason is Reason.COMPLETED, result.error
    assert len(result.response.body) == 1024


async def test_as_many_headers_as_may_be_are_sent_and_one_more_is_not(run):
    fill = "for (let i = 0; i < COUNT; i++) headers[`h${i}`] = i;"
    source = f"const headers = {{}}; {fill} return {{status: 200, headers}}"
    result = await run(source.replace("COUNT", "100"), request=GET)
    assert len(result.response.headers) == 100
    result = await run(source.replace("COUNT", "101"), request=GET)
    assert (result.error.name, result.reason) == ("InvalidResponse", Reason.SCRIPT_ERROR)


async def test_a_script_that_threw_or_never_settles_has_no_answer(run):
    for source in ("throw new Error('x')", "await new Promise(() => {})"):
        result = await run(source, request=GET)
        assert (result.reason, result.response) == (Reason.SCRIPT_ERROR, None)


async def test_a_worker_whose_answer_was_refused_runs_the_next_script(run):
    for _ in range(3):
        assert (await run("return {status: 1}", request=GET)).error.name == "InvalidResponse"
        assert (await run("return 1", request=GET)).response.body == b"1"
        assert (await run("return 1")).output == {"value": 1}


async def test_the_engine_keeps_what_it_knows_of_a_source(run):
    first = await run("return (", request=GET)
    second = await run("return (", request=GET)
    assert (first.reason, second.reason) == (Reason.SYNTAX_ERROR, Reason.SYNTAX_ERROR)
    assert second.started_at is None
