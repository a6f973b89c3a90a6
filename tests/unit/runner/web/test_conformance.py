"""Our answers, read by a strict parser that nobody here wrote."""

import asyncio

import h11
import pytest

from scriptorium_runner.engine import Engine
from tests.support.endpoints import make_endpoint
from tests.support.serving import Site, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOURCE = """
const cookies = { "set-cookie": ["a=1; Path=/", "b=2"] };
switch (request.query.what) {
  case "none": return;
  case "empty": return "";
  case "list": return { status: 200, headers: cookies, body: "two" };
  case "bare": return { status: 304 };
  case "bytes": return new Uint8Array([0, 13, 10, 13, 10, 255]);
  case "odd": return { status: 599, headers: { "X-A": "" }, body: { a: 1 } };
  case "split": return { status: 200, headers: { "x-a": "1\\r\\nx-b: 2" } };
  case "large": return "x".repeat(500_000);
  case "throw": throw new Error("no");
  default: return "text";
}
"""


async def converse(site: Site, *sent: tuple[str, str, bytes]) -> list[tuple[h11.Response, bytes]]:
    """Send requests on one connection, and give the answers; h11 raises for what is no HTTP."""
    ours = h11.Connection(h11.CLIENT)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    found = []
    try:
        for method, target, body in sent:
            headers = [("Host", "a"), ("Content-Length", str(len(body)))]
            events = [h11.Request(method=method, target=target, headers=headers), h11.Data(data=body)]
            for event in (*events, h11.EndOfMessage()):
                writer.write(ours.send(event) or b"")
            found.append(await read_answer(ours, reader))
            if ours.our_state is h11.DONE and ours.their_state is h11.DONE:
                ours.start_next_cycle()
        assert ours.trailing_data[0] == b""
        return found
    finally:
        writer.transport.abort()


async def read_answer(ours: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Response, bytes]:
    response, body = None, b""
    async with asyncio.timeout(20):
        while True:
            event = ours.next_event()
            if event is h11.NEED_DATA:
                ours.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert response is not None
                return response, body


CASES = [
    ("text", 200, b"text"),
    ("none", 204, b""),
    ("empty", 200, b""),
    ("list", 200, b"two"),
    ("bare", 304, b""),
    ("bytes", 200, b"\0\r\n\r\n\xff"),
    ("odd", 599, b'{"a":1}'),
    ("large", 200, b"x" * 500_000),
]


async def test_every_answer_is_one_to_a_strict_reader_and_the_connection_goes_on(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source=SOURCE) as site:
        found = await converse(site, *(("GET", f"/?what={what}", b"") for what, _, _ in CASES))
    assert [(response.status_code, body) for response, body in found] == [
        (status, body) for _, status, body in CASES
    ]


async def test_head_and_options_and_problems_are_too(engine: Engine) -> None:
    sent = [
        ("HEAD", "/?what=large", b""),
        ("OPTIONS", "/", b""),
        ("GET", "/missing", b""),
        ("DELETE", "/", b""),
        ("GET", "/?what=throw", b""),
        ("GET", "/?what=split", b""),
        ("POST", "/missing", b"a body that nobody wants"),
        ("GET", "/", b""),
    ]
    async with serving(engine, make_endpoint("root", "/"), source=SOURCE) as site:
        found = await converse(site, *sent)
    assert [response.status_code for response, _ in found] == [200, 204, 404, 405, 500, 500, 404, 200]
    assert found[0][1] == b""
    assert (b"content-length", b"500000") in found[0][0].headers
    assert all((b"server", b"scriptorium") in response.headers for response, _ in found)
    assert all(any(name == b"x-request-id" for name, _ in response.headers) for response, _ in found)


async def test_each_cookie_is_a_line_of_its_own(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source=SOURCE) as site:
        ((response, _),) = await converse(site, ("GET", "/?what=list", b""))
    cookies = [value for name, value in response.headers if name == b"set-cookie"]
    assert cookies == [b"a=1; Path=/", b"b=2"]
