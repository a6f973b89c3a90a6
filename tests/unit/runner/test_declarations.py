"""scriptorium.d.ts: the TypeScript compiler takes the examples by it, and refuses what is not there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scriptorium_runner.host.http import requests
from scriptorium_runner.host.http.failures import Code
from scriptorium_runner.host.http.responses import Answer, write_response
from scriptorium_runner.host.registry import METHODS

ROOT = Path(__file__).parents[3]
DECLARATIONS = ROOT / "runner" / "scriptorium_runner" / "scriptorium.d.ts"
TEXT = DECLARATIONS.read_text()
CONFIG = {
    "compilerOptions": {
        "noEmit": True,
        "allowJs": True,
        "checkJs": True,
        "strict": False,
        "target": "es2023",
        "lib": ["es2023"],
        "types": [],
    },
}


GOOD = """
const id = utils.uuid().toUpperCase();
const day = utils.date.startOf(utils.date.add(new Date(), {days: 1}), 'day', '+05:00').getTime();
const there = (await utils.date.format(day, 'HH:mm', 'Asia/Tashkent')).length;
const months = utils.date.diff('2026-01-01', 0, 'months').toFixed();
console.info(`hello ${ctx.user?.name}`, {id, there, months}, env.NAME?.length, input.anything);
console.log(context.tenantId);
const r = await http.post('https://api.example.org/', {a: 1}, {headers: {a: 'b'}});
const place = 'https://api.example.org/a.png';
const image = await http.get(place, {responseType: 'bytes', query: {size: 3, tag: ['a', 'b']}});
const sent = await http.put(place, image.body.subarray(1), {timeoutMs: 5, redirect: 'error'});
const head = await http.request({method: 'HEAD', url: place, headers: {a: 'b'}});
try { await http.delete(place); } catch (/** @type {any} */ error) { console.warn(error.code); }
console.log(head.headers.etag.length, sent.setCookie[0], sent.text().length, sent.redirected, sent.url);
const tags = [request.query.tag].flat().map((tag) => tag.toUpperCase());
console.info(request.method, request.params.id?.length, request.headers['x-key'], request.cookies.a, tags);
/** @type {ScriptResponse} */
const answer = {status: 201, headers: {'set-cookie': ['a=1', 'b=2'], age: 5}, body: request.body.subarray(1)};
if (request.text() === '') return answer;
console.info(request.json().anything, request.ip, request.id);
return {status: r.status, data: r.json(), other: await scripts.call('other', {a: 1})};
"""


def find_compiler() -> list[str]:
    """Find what `make typescript` gets, or the compiler on the path."""
    script = ROOT / ".build" / "typescript" / "node_modules" / "typescript" / "bin" / "tsc"
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if script.exists() and node:
        return [node, str(script)]
    if (found := shutil.which("tsc")) is None:
        pytest.skip("no TypeScript compiler: make typescript")
    return [found]


def find_sources(body: Any) -> list[str]:
    """Find the JavaScript in a manifest."""
    spec, data = body.get("spec", {}), body.get("data", {})
    inline = spec.get("script", {}).get("source")
    texts = [spec.get("source"), inline, *data.values()]
    return [text for text in texts if isinstance(text, str) and "\n" in text]


def check(folder: Path, *sources: str) -> str:
    """Give what the compiler has to say of scripts."""
    shutil.copy(DECLARATIONS, folder / "scriptorium.d.ts")
    for number, source in enumerate(sources):
        (folder / f"script{number}.js").write_text(f"async function script{number}() {{\n{source}\n}}\n")
    names = sorted(path.name for path in folder.iterdir())
    (folder / "tsconfig.json").write_text(json.dumps(CONFIG | {"files": names}))
    command = [*find_compiler(), "--project", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder).stdout


def test_every_example_and_what_the_docs_promise_fit_the_declarations(tmp_path: Path) -> None:
    manifests = [
        body for path in (ROOT / "examples").glob("*.yaml") for body in yaml.safe_load_all(path.read_text())
    ]
    sources = [source for body in manifests for source in find_sources(body)]
    assert len(sources) >= 5
    assert check(tmp_path, *sources, GOOD) == ""


BAD = [
    "ctx.tenant.id = 'x'",
    "fetch('x')",
    "setTimeout(() => {})",
    "process.exit()",
    "require('fs')",
    "utils.uid()",
    "utils.date.diff(0, 0, 'fortnight')",
    "utils.date.format(0, 'HH', 'Asia/Tashkent').length",
    "scripts.call(1)",
    "http.get()",
    "request.path = '/'",
    "request.headers.host = 'x'",
    "request.query.tag = 'x'",
    "request.query.tag.toUpperCase()",
    "request.url",
    "const a = /** @type {ScriptResponse} */ ({status: '200'})",
    "const a = /** @type {ScriptResponse} */ ({status: 200, headers: {a: true}})",
    "http.get('u', {timeout: 5})",
    "http.get('u', {redirect: 'never'})",
    "http.get('u', {query: {a: {b: 1}}})",
    "http.request({url: 'u', method: 'TRACE'})",
    "http.request({method: 'GET'})",
    "(await http.get('u', {responseType: 'bytes'})).text()",
    "(await http.get('u')).body.byteLength",
    "(await http.get('u')).ok",
    "http.head('u')",
]


def test_what_is_not_there_is_not_declared(tmp_path: Path) -> None:
    refused = re.findall(r"script(\d+)\.js\(2,", check(tmp_path, *BAD))
    assert sorted(map(int, refused)) == list(range(len(BAD)))


def declared_words(start: str) -> set[str]:
    """Give the words in quotes of one declaration."""
    return set(re.findall(r'"(\w+)"', TEXT.partition(start)[2].partition(";")[0]))


def declared_fields(*interfaces: str) -> set[str]:
    """Give the names of data in interfaces."""
    bodies = "".join(TEXT.partition(f"\ninterface {name} ")[2].partition("\n}")[0] for name in interfaces)
    return set(re.findall(r"^  (\w+)\??:", bodies, re.MULTILINE))


def test_the_words_of_http_are_those_of_the_host() -> None:
    assert declared_words("type HttpMethod =") == requests.METHODS
    assert declared_words("  redirect?:") == set(requests.Redirect)
    assert declared_words("  responseType?:") == set(requests.ResponseType)
    assert declared_words("  code:\n    | ") == set(Code)


def test_the_options_of_http_are_those_that_the_host_reads() -> None:
    # The prelude writes bytes as base64; no script does.
    assert declared_fields("HttpOptions", "HttpTarget") == requests.OPTIONS - {"bodyBase64"}


@pytest.mark.parametrize(("kind", "interface"), [("text", "HttpResponse"), ("bytes", "HttpBytesResponse")])
def test_what_http_answers_is_declared(kind: str, interface: str) -> None:
    options = {"url": "https://api.example.org/", "responseType": kind}
    request = requests.read_request("http.request", [options], 0)
    answer = Answer(status=200, headers={}, set_cookie=(), body=b"")
    written = {name.removesuffix("Base64") for name in write_response(answer, request, is_redirected=False)}
    assert declared_fields("HttpAnswer", interface) == written


def test_every_host_function_is_declared() -> None:
    for api in METHODS:
        assert re.search(rf"^declare const {api}: ", TEXT, re.MULTILINE)
    for method, counts in (each for api in METHODS.values() for each in api.items()):
        assert not counts or re.search(rf"^  {method.partition('.')[2]}\(", TEXT, re.MULTILINE), method
