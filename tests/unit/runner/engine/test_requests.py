"""What a script that answers an HTTP request is given."""

import json
import os

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import HttpRequest
from tests.unit.runner.engine.hosts import answering

pytestmark = pytest.mark.asyncio(loop_scope="session")

REQUEST = HttpRequest(
    method="POST",
    path="/orders/7",
    params={"id": "7"},
    query={"tag": ["a", "b"], "q": "é x"},
    headers={"content-type": "application/json", "x-key": "1"},
    cookies={"session": "s"},
    body=b'{"a":[1]}',
    ip="203.0.113.9",
    id="r-1",
)
#: Names that lead elsewhere on an ordinary object.
SNARES = {"__proto__": "p", "constructor": "c", "toString": "t", "hasOwnProperty": "h", "then": "n"}


def ask(body: bytes = b"", **parts) -> HttpRequest:
    return HttpRequest(**({"method": "POST", "path": "/", "body": body} | parts))


async def read(run, source: str, request: HttpRequest = REQUEST, **limits):
    """Give what a script made of a request, read as JSON."""
    result = await run(source, request=request, **({"output_kb": 1024} | limits))
    assert result.reason is Reason.COMPLETED, result
    return json.loads(result.response.body)


async def test_every_part_of_a_request_is_there(run):
    assert await read(run, "return {...request, text: request.text(), size: request.body.length}") == {
        "method": "POST",
        "path": "/orders/7",
        "params": {"id": "7"},
        "query": {"tag": ["a", "b"], "q": "é x"},
        "headers": {"content-type": "application/json", "x-key": "1"},
        "cookies": {"session": "s"},
        "ip": "203.0.113.9",
        "id": "r-1",
        "text": '{"a":[1]}',
        "size": 9,
    }


async def test_a_run_without_a_request_has_no_such_global(run):
    assert (await run("return typeof request + ('request' in globalThis)")).output == {
        "value": "undefinedfalse"
    }


async def test_a_worker_that_answered_a_request_forgets_it(run):
    await read(run, "request.body; request.text(); return 1")
    result = await run("return typeof request")
    assert (result.output, result.response) == ({"value": "undefined"}, None)
    assert await read(run, "return [request.text(), request.body.length, request.path]", ask(path="/b")) == [
        "",
        0,
        "/b",
    ]


@pytest.mark.parametrize(
    "change",
    [
        "request = {}",
        "globalThis.request = {}",
        "delete globalThis.request",
        "request.path = '/'",
        "request.extra = 1",
        "request.body = new Uint8Array(1)",
        "delete request.text",
        "request.headers.host = 'x'",
        "request.params.id = '8'",
        "request.cookies.session = ''",
        "request.query.tag.push('c')",
        "delete request.query.q",
        "Object.setPrototypeOf(request.headers, {host: 'x'})",
        "Object.defineProperty(request, 'json', {value: () => 1})",
    ],
)
async def test_a_request_cannot_be_changed(run, change):
    result = await run(change, request=REQUEST)
    assert (result.reason, result.error.name) == (Reason.SCRIPT_ERROR, "TypeError")


@pytest.mark.parametrize("part", ["headers", "query", "params", "cookies"])
async def test_names_lead_to_what_came_and_to_nothing_else(run, part):
    names = json.dumps(list(SNARES))
    source = f"return {names}.map((name) => request.{part}[name] ?? null)"
    assert await read(run, source, ask(**{part: SNARES})) == list(SNARES.values())
    assert await read(run, source, ask()) == [None] * len(SNARES)


async def test_a_query_of_many_values_is_a_list_whatever_its_name(run):
    values = {name: ["1", "2"] for name in SNARES}
    source = "return Object.keys(request.query).map((name) => Object.isFrozen(request.query[name]))"
    assert await read(run, source, ask(query=values)) == [True] * len(SNARES)


async def test_the_body_is_bytes_of_ones_own_which_stay_the_same_object(run):
    source = """
    const is = request.body instanceof Uint8Array && request.body.buffer.byteLength === request.body.length;
    request.body[0] = 65;
    return [is, request.body === request.body, request.body[0], request.text()[0], 'body' in {...request}]
    """
    assert await read(run, source) == [True, True, 65, "{", False]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 768 * 1024 - 1, 768 * 1024, 768 * 1024 + 1])
async def test_bytes_go_in_and_out_without_loss(run, size):
    body = os.urandom(size)
    result = await run("return request.body", request=ask(body), output_kb=1024)
    assert result.response.body == body


async def test_ten_megabytes_go_in_and_out_within_little_memory(run):
    body = os.urandom(10 * 1024 * 1024)
    result = await run(
        "return {status: 200, body: request.body}", request=ask(body), output_kb=10240, memory_mb=32
    )
    assert result.reason is Reason.COMPLETED, result
    assert result.response.body == body


async def test_a_body_counts_in_the_scripts_memory(run):
    result = await run("return request.body.length", request=ask(bytes(10 * 1024 * 1024)), memory_mb=8)
    assert result.reason is Reason.MEMORY_LIMIT
    result = await run("return request.text().length", request=ask(b"x" * 10 * 1024 * 1024), memory_mb=8)
    assert result.reason is Reason.MEMORY_LIMIT


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", ""),
        ("é\u1234😀\0end".encode(), "é\u1234😀\0end"),
        (b"\xef\xbb\xbftext", "text"),
        (b"a\xffb", "a\ufffdb"),
        (b"\xe2\x82", "\ufffd"),
        (b"\xf0\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
        (b"\n\r\n", "\n\r\n"),
    ],
)
async def test_text_is_utf_8_and_what_is_none_is_replaced(run, body, text):
    assert await read(run, "return [request.text()]", ask(body)) == [text]


async def test_json_is_read_anew_each_time(run):
    source = "const a = request.json(); a.b = 1; return [request.json(), await request.json().a[0]]"
    assert await read(run, source) == [{"a": [1]}, 1]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{'a':1}", b"[1,]", b"NaN"])
async def test_what_is_no_json_throws_what_a_script_can_catch(run, body):
    source = "try { request.json() } catch (e) { return [e instanceof SyntaxError, e.name, e.message] }"
    is_syntax_error, name, message = await read(run, source, ask(body))
    assert (is_syntax_error, name) == (True, "SyntaxError")
    assert message.startswith("the body of the request is not JSON: ")
    result = await run("\nrequest.json()", request=ask(body))
    assert (result.reason, result.error.name, result.error.line) == (Reason.SCRIPT_ERROR, "SyntaxError", 2)


async def test_json_pollutes_no_prototype(run):
    source = (
        "const made = request.json(); return [({}).left ?? null, Object.keys(made), typeof made.__proto__]"
    )
    assert await read(run, source, ask(b'{"__proto__":{"left":1}}')) == [None, ["__proto__"], "object"]


async def test_an_entrypoint_is_called_with_the_request(run):
    source = "function main(given) { return [given === request, given.method, Object.keys(ctx.input)]; }"
    result = await run(source, entrypoint="main", request=REQUEST, context={"input": {}})
    assert json.loads(result.response.body) == [True, "POST", []]


async def test_a_request_is_printed_without_its_body(run):
    result = await run("console.log('asked', request)", request=REQUEST)
    assert list(result.logs[0].data[0]) == [
        "method",
        "path",
        "params",
        "query",
        "headers",
        "cookies",
        "ip",
        "id",
    ]


async def test_host_calls_and_env_are_there_as_ever(run):
    source = "return [await scripts.call('x', {}), env.A]"
    host = answering({"b": 1})
    result = await run(source, request=REQUEST, host=host, env={"A": "1"})
    assert json.loads(result.response.body) == [{"b": 1}, "1"]
    assert result.usage.api_calls == 1


async def test_a_body_is_counted_while_its_run_lasts(run, engine):
    held = []

    async def reply(_method, _arguments):
        held.append(engine.held.size)
        return 1

    host = answering(1)
    host._reply = reply
    await run("return scripts.call('x', {})", request=ask(bytes(1000)), host=host)
    assert held[0] >= 1000
    assert engine.held.size == 0
