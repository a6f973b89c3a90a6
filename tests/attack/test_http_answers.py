"""Scripts that answer an HTTP request and mean to send more than that; requests that do more than ask."""

import json

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import HttpRequest
from tests.attack.stage import CLEAN, PROBE

pytestmark = pytest.mark.asyncio(loop_scope="session")

GET = HttpRequest(method="GET", path="/")
SPLIT = "\\r\\nSet-Cookie: left=1\\r\\n\\r\\n<script>"

#: What a script does before it returns `ANSWER`: none of it may change what is sent.
TRAPS = {
    "String": "globalThis.String = () => 'left'",
    "the methods of strings": "for (const name of Object.getOwnPropertyNames(String.prototype)) "
    "try { String.prototype[name] = () => 'left' } catch {}",
    "the methods of arrays": "for (const name of Object.getOwnPropertyNames(Array.prototype)) "
    "if (name !== 'length') try { Array.prototype[name] = () => ['left'] } catch {}",
    "the iterators": "Array.prototype[Symbol.iterator] = String.prototype[Symbol.iterator] = "
    "() => { throw 'left' }",
    "the methods of Object and Reflect": "for (const place of [Object, Reflect]) "
    "for (const name of Object.getOwnPropertyNames(place)) try { place[name] = () => 'left' } catch {}",
    "JSON": "JSON.stringify = () => '{\"left\":1}'; JSON.parse = () => ({left: 1})",
    "the bytes": "const proto = Object.getPrototypeOf(Uint8Array.prototype); "
    "for (const name of ['byteLength', 'byteOffset', 'buffer', 'length', Symbol.toStringTag]) "
    "for (const place of [proto, Uint8Array.prototype]) "
    "Object.defineProperty(place, name, {get: () => 'left', configurable: true}); "
    "Uint8Array.prototype.toBase64 = Uint8Array.fromBase64 = () => 'bGVmdA=='; "
    "Uint8Array.prototype.constructor = 'left'; "
    "globalThis.Uint8Array = globalThis.ArrayBuffer = function () { return 'left' }",
    "the species": "const arrays = Object.getPrototypeOf(Uint8Array); "
    "Object.defineProperty(arrays, Symbol.species, {get: () => Array})",
    "toJSON of everything": "Object.prototype.toJSON = Array.prototype.toJSON = Number.prototype.toJSON = "
    "String.prototype.toJSON = function () { return this === ANSWER.body ? this : 'left' }",
    "parts on the prototype": "const parts = {__proto__: null, status: 599, headers: {left: '1'}, "
    "body: 'left', name: 'left', value: 'left', kind: 'left', lines: 'left', 0: 'left', "
    "get: () => 1, set: () => 1}; "
    "for (const name of Object.keys(parts)) "
    "Object.defineProperty(Object.prototype, name, "
    "{__proto__: null, value: parts[name], writable: true, configurable: true})",
    "setters on the prototype": "for (const name of ['status', 'kind', 'lines', 'name', '0', '1', '']) "
    "Object.defineProperty(Object.prototype, name, {set() { throw 'left' }, get() { return 'left' }})",
    "errors": "globalThis.SyntaxError = globalThis.TypeError = globalThis.Error = "
    "class { constructor() { this.left = 1 } }",
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
@pytest.mark.parametrize("body", ["'text \\0 é'", "new Uint8Array([1, 2, 3])", "{a: [1, 'b']}"])
async def test_what_a_script_changes_of_the_language_changes_nothing_that_is_sent(run, trap, body):
    source = f"const ANSWER = {{status: 201, headers: {{a: 'b', c: ['d', 5]}}, body: {body}}};"
    plain = await run(f"{source} return ANSWER", request=GET, owner="trap")
    trapped = await run(f"{source} {trap}; return ANSWER", request=GET, owner="trap")
    if "toJSON" in trap and body.startswith("{"):
        # Its own body is the script's to write as it likes.
        assert trapped.response.headers == plain.response.headers
    else:
        assert trapped.response == plain.response
    assert (await run(PROBE, owner="trap")).output == CLEAN


BROKEN = {
    "a line break in a name": f"{{status: 200, headers: {{'a{SPLIT}': 'b'}}}}",
    "a line break in a value": f"{{status: 200, headers: {{a: 'b{SPLIT}'}}}}",
    "a line break in a list": f"{{status: 200, headers: {{a: ['b', 'c{SPLIT}']}}}}",
    "a line feed alone": "{status: 200, headers: {a: 'b\\nc: d'}}",
    "a carriage return alone": "{status: 200, headers: {a: 'b\\rc: d'}}",
    "a line break at the end": "{status: 200, headers: {a: 'b\\n'}}",
    "a NUL": "{status: 200, headers: {a: 'b\\0'}}",
    "a NUL in a name": "{status: 200, headers: {'a\\0': 'b'}}",
    "a letter that ends in a line break": "{status: 200, headers: {a: '\\u010a\\u010d'}}",
    "half a character": "{status: 200, headers: {a: '\\ud800'}}",
    "a colon": "{status: 200, headers: {'a: b\\r\\nc': 'd'}}",
    "a content type": f"{{status: 200, headers: {{'content-type': 'text/html{SPLIT}'}}, body: ''}}",
    "a length that lies": "{status: 200, headers: {'content-length': '1'}, body: 'long'}",
    "a length as a number": "{status: 200, headers: {'Content-Length': 1e6}, body: 'short'}",
    "two messages": "{status: 200, headers: {'transfer-encoding': 'chunked'}, body: '0'}",
    "a symbol that is a name": "{status: 200, headers: {'Content-Length\\u0000': 1}}",
    "a status that is a text": f"{{status: '200{SPLIT}', body: ''}}",
    "a status that becomes a number": "{status: {valueOf: () => 200, toString: () => '200'}, body: ''}",
    "a status that turns into one": "{status: {[Symbol.toPrimitive]: () => 200}, body: ''}",
    "a status that JSON turns into one": "{status: {toJSON: () => 200}, body: ''}",
    "a boxed status": "{status: Object(200), body: ''}",
    "a value that becomes text": "{status: 200, headers: {a: {toString: () => 'b'}}}",
    "a value that turns into text": "{status: 200, headers: {a: {[Symbol.toPrimitive]: () => 'b'}}}",
    "a list of a list": "{status: 200, headers: {a: [['b']]}}",
    "no end of headers": "{status: 200, headers: {a: Array(1e6).fill('b')}}",
    "a list that has no end": "{status: 200, headers: {a: "
    "new Proxy([], {get: (_, name) => name === 'length' ? 2 ** 53 : 'b'})}}",
    "headers that are a proxy of many": "{status: 200, headers: new Proxy({}, {"
    "ownKeys: () => Array.from({length: 1e5}, (_, i) => 'k' + i), get: () => 'v', "
    "getOwnPropertyDescriptor: () => ({enumerable: true, configurable: true, value: 'v'})})}",
    "a header of a megabyte": "{status: 200, headers: {a: 'b'.repeat(1e6)}}",
    "a name of a megabyte": "{status: 200, headers: {['b'.repeat(1e6)]: 'a'}}",
    "headers of nothing but escapes": "{status: 200, headers: {a: '\\u0001'.repeat(32000)}}",
    "bytes that were transferred": "(() => { const body = new Uint8Array(9); body.buffer.transfer(); "
    "return {status: 200, body} })()",
    "a buffer that was transferred": "(() => { const body = new ArrayBuffer(9); body.transfer(); "
    "return {status: 200, body} })()",
    "bytes whose buffer shrank": "(() => { const buffer = new ArrayBuffer(9, {maxByteLength: 9}); "
    "const body = new Uint8Array(buffer, 4, 5); buffer.resize(2); return {status: 200, body} })()",
    "an answer to no request": "{status: 101, headers: {upgrade: 'x'}}",
    "an answer before the answer": "{status: 103, headers: {link: 'x'}}",
}


@pytest.mark.parametrize("returned", BROKEN.values(), ids=BROKEN)
async def test_nothing_is_sent_that_is_no_answer(run, returned):
    result = await run(f"return {returned}", request=GET, owner="broken", output_kb=64)
    assert (result.reason, result.response) == (Reason.SCRIPT_ERROR, None)
    assert result.error.name == "InvalidResponse"
    assert result.error.message.isprintable()
    assert len(result.error.message) < 1000
    assert (await run(PROBE, owner="broken")).output == CLEAN


READ_ONCE = """
let count = 0;
const turn = (object, name, first, later) =>
  Object.defineProperty(object, name, {enumerable: true, get: () => count++ === 0 ? first : later});
"""


@pytest.mark.parametrize(
    ("source", "status", "headers", "body"),
    [
        ("return turn({body: 'b'}, 'status', 200, 99)", 200, (), b"b"),
        (
            "return {status: 200, headers: turn({}, 'a', 'b', 'c\\r\\n')}",
            200,
            (("a", "b"),),
            b"",
        ),
        (
            "return {status: 200, headers: {a: turn([0], '0', 'b', 'c\\r\\n')}}",
            200,
            (("a", "b"),),
            b"",
        ),
        (
            "return turn({status: 200}, 'body', 'b', new Uint8Array(9e6))",
            200,
            (),
            b"b",
        ),
        (
            "return new Proxy({status: 200, body: 'b'}, {get: (t, n) => n === 'then' ? undefined : t[n]})",
            200,
            (),
            b"b",
        ),
        ("return {then(done) { done({status: 200, body: 'b'}); done({status: 500}); }}", 200, (), b"b"),
    ],
)
async def test_what_changes_while_it_is_read_is_read_once(run, source, status, headers, body):
    result = await run(f"{READ_ONCE} {source}", request=GET, owner="once")
    answer = result.response
    assert (answer.status, answer.body) == (status, body)
    assert tuple(line for line in answer.headers if line[0] != "content-type") == headers


@pytest.mark.parametrize(
    ("source", "body"),
    [
        # A body that says it is longer, or shorter, than it is.
        ("const a = new Uint8Array(3); Object.defineProperty(a, 'length', {value: 1e9}); return a", bytes(3)),
        (
            "const a = new Uint8Array(3); Object.defineProperty(a, 'byteLength', {value: 1}); return a",
            bytes(3),
        ),
        ("class A extends Uint8Array { get length() { return 1e9; } } return new A(2)", bytes(2)),
        ("class A extends ArrayBuffer { get byteLength() { return 1e9; } } return new A(2)", bytes(2)),
        ("const a = new Uint8Array(3); Object.setPrototypeOf(a, null); return a", bytes(3)),
        (
            "const b = new ArrayBuffer(2, {maxByteLength: 9}), a = new Uint8Array(b); b.resize(5); return a",
            bytes(5),
        ),
        ("const b = new ArrayBuffer(2, {maxByteLength: 9}); b.resize(7); return b", bytes(7)),
        ("return new Uint8Array(new ArrayBuffer(9), 3, 4)", bytes(4)),
        ("return [typeof SharedArrayBuffer]", b'["undefined"]'),
    ],
)
async def test_a_body_is_as_long_as_its_bytes_are(run, source, body):
    assert (await run(source, request=GET, owner="length")).response.body == body


ENDLESS = [
    "return {get status() { for (;;); }}",
    "return {status: 200, get headers() { for (;;); }}",
    "return {status: 200, headers: {get a() { for (;;); }}}",
    "return {status: 200, body: {get then() { for (;;); }}}",
    "return {status: 200, body: {toJSON() { for (;;); }}}",
    "return new Proxy({}, {ownKeys() { for (;;); }})",
    "return {status: 200, headers: new Proxy({}, {getPrototypeOf() { for (;;); }})}",
]


@pytest.mark.parametrize("source", ENDLESS)
async def test_an_answer_that_is_never_done_reading_is_stopped(run, source):
    result = await run(source, request=GET, timeout_seconds=1)
    assert result.reason is Reason.TIMEOUT


HOSTILE = {
    "code": "'); globalThis.left = 1; ('",
    "the end of the line": "\n} , [native code] \r\n\u2028\u2029",
    "the end of the frame": '"}\n{"end":"answer"}\n',
    "half a character": "\ud800",
    "a NUL": "a\0b",
    "a name of a prototype": "__proto__",
    "a template": "${globalThis.left = 1}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_what_comes_in_is_text_and_nothing_else(run, text):
    many = {text: text, "__proto__": text, "constructor": text}
    body = json.dumps({"__proto__": {"left": 1}, text: text}).encode()
    request = HttpRequest(
        method=text,
        path=text,
        params=many,
        query=many | {"list": [text, text]},
        headers=many,
        cookies=many,
        body=body,
        ip=text,
        id=text,
    )
    source = """
    const whole = JSON.parse(JSON.stringify(request)), read = request.json();
    return {whole, left: [typeof left, ({}).left ?? null, read.left ?? null], keys: Object.keys(read)}
    """
    result = await run(source, request=request, owner="hostile", output_kb=64)
    told = json.loads(result.response.body)
    assert told["left"] == ["undefined", None, None]
    assert told["keys"] == list(json.loads(body))
    assert told["whole"]["headers"] == told["whole"]["params"] == many
    assert told["whole"]["query"] == many | {"list": [text, text]}
    assert (await run(PROBE, owner="hostile")).output == CLEAN


async def test_a_script_cannot_reach_what_answers_for_it(run):
    source = """
    const seen = [];
    const look = (value) => { try { seen.push(...Object.getOwnPropertyNames(value)) } catch {} };
    for (const part of [request.text, request.json, Object.getOwnPropertyDescriptor(request, 'body').get]) {
      look(part);
      for (const name of ['caller', 'arguments']) try { seen.push(typeof part[name]) } catch {}
      try { part.constructor('return 1')(); seen.push('left') } catch {}
    }
    Error.prepareStackTrace = (_, sites) => { seen.push(sites.map((site) => typeof site.getFunction())) };
    try { request.json() } catch (error) { error.stack }
    return seen.filter((name) => !['length', 'name', 'undefined'].includes(name))
    """
    assert (await run(source, request=GET, owner="reach")).response.body == b"[]"
