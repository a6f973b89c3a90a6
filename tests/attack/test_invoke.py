"""A hostile caller inside the cluster, against the port where Scripts are invoked.

Each attack is refused, runs nothing, and is not even asked about where it has no token; what it sent is in no
log; and the next call of somebody honest goes well.
"""

import gzip
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from scriptorium_api.logs import JsonFormatter
from scriptorium_runner.web import internal
from tests.unit.runner.executions.fakes import ObedientSandbox
from tests.unit.runner.web.stage import TOKEN, Stage, open_stage

SECRET = "c3RvbGVuLXRva2Vu"  # noqa: S105 - known to tests alone.


@pytest_asyncio.fixture(name="stage")
async def open_attacked_stage(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Stage]:
    """Give a listener for attacks; in the end nothing has run, and it must still serve."""
    caplog.set_level(logging.DEBUG)
    sandbox = ObedientSandbox()
    async with open_stage(sandbox) as stage:
        yield stage
        assert sandbox.started == []
        assert (await stage.call()).status == 200
    # What was logged while the test itself ran, as it is written out.
    records = caplog.get_records("call")
    assert records
    told = "\n".join(map(JsonFormatter().format, records))
    assert SECRET not in told
    assert TOKEN not in told


def write(*headers: str, name: str = "hello", body: bytes = b"") -> bytes:
    """Give a request as a caller writes it who cares for no rules."""
    lines = [f"POST /v1/scripts/{name}/invoke HTTP/1.1", "Host: runner", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


GOOD = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    "headers",
    [
        (GOOD, GOOD),
        (GOOD, "authorization: Bearer other"),
        (f"Authorization: Bearer {SECRET}{'x' * 16 * 1024}",),
        (f"Authorization: Bearer {SECRET} {TOKEN}",),
        (f"Authorization: Bearer {SECRET},{TOKEN}",),
        (f"Authorization: Bearer {SECRET}\t",),
        ("Authorization: Bearer",),
        (f"Authorization: Token {TOKEN}",),
        (f"Proxy-Authorization: Bearer {TOKEN}",),
        (
            f"X-Forwarded-Authorization: Bearer {TOKEN}",
            "X-Remote-User: system:admin",
            "Impersonate-User: ada",
        ),
        (f"Cookie: token={TOKEN}",),
    ],
    ids=lambda headers: headers[0][:30] + str(len(headers)),
)
async def test_what_is_not_one_token_is_not_asked_about(stage: Stage, headers: tuple[str, ...]) -> None:
    answer = await stage.send(write(*headers))
    assert status_of(answer) == 401
    assert b"application/problem+json" in answer
    assert stage.reviewer.asked in ([], [f"{SECRET}"])


@pytest.mark.parametrize(
    "headers",
    [
        (f"Authorization: Bearer {SECRET}{'x' * 64 * 1024}",),
        (f"Authorization: Bearer {SECRET}\x00",),
        (f"Authorization: Bearer {SECRET}\x01a",),
        (f"Authorization: Bearer {SECRET}\ra",),
        (f"Authorization : Bearer {SECRET}",),
        (GOOD, "Content-Length: 2", "Content-Length: 3"),
        (GOOD, "Content-Length: 2", "Transfer-Encoding: chunked"),
        (GOOD, "Content-Length: -1"),
        (GOOD, "Transfer-Encoding: chunked, gzip"),
        *((GOOD, f"Content-Length: {each}") for each in ("1e3", "0x10", "+1")),
    ],
    ids=lambda headers: repr(headers[-1][:40]),
)
async def test_what_is_no_http_goes_no_further(stage: Stage, headers: tuple[str, ...]) -> None:
    answer = await stage.send(write(*headers))
    assert status_of(answer) in (400, 401, 431)
    assert SECRET.encode() not in answer
    assert stage.reviewer.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../../apis",
        "hello/../other",
        "%68ello",
        "hello%2finvoke",
        "hello%00",
        "hello;v=1",
        "hello\\",
        "hello#x",
        "HELLO",
        "x" * 4000,
        "team/hello",
    ],
    ids=lambda name: name[:20],
)
async def test_only_a_name_is_a_name(stage: Stage, name: str) -> None:
    assert status_of(await stage.send(write(GOOD, name=name))) in (400, 404)
    assert stage.reviewer.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 10_000,
        b"[" * 60_000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b'{"a": ' + b"9" * 60_000 + b"}",
    ],
    ids=["open objects", "open lists", "deep", "endless number"],
)
async def test_a_body_that_is_hard_to_read_is_refused(stage: Stage, body: bytes) -> None:
    answer = await stage.send(write(GOOD, JSON, f"Content-Length: {len(body)}", body=body))
    assert status_of(answer) == 400


async def test_a_packed_body_is_never_unpacked(stage: Stage) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    headers = (GOOD, JSON, "Content-Encoding: gzip", f"Content-Length: {len(bomb)}")
    assert status_of(await stage.send(write(*headers, body=bomb))) == 415


async def test_a_body_that_never_comes_is_not_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internal, "PATIENCE", replace(internal.PATIENCE, body=0.05))
    assert status_of(await stage.send(write(GOOD, JSON, "Content-Length: 10", body=b"{"))) == 408


@pytest.mark.parametrize(
    "given",
    ["a%0d%0aSet-Cookie: x=1", "a\tb", 'z"}', "<script>", "x" * 5000, "a, b", "\xe4"],
    ids=lambda given: repr(given[:16]),
)
async def test_a_request_id_brings_nothing_into_the_answer(stage: Stage, given: str) -> None:
    answer = await stage.send(write(f"X-Request-Id: {given}", name="gone"))
    assert status_of(answer) == 401
    assert given.encode("latin-1") not in answer
    assert b"Set-Cookie" not in answer


async def test_the_namespace_is_the_runners_whatever_a_caller_says(stage: Stage) -> None:
    asked = "?namespace=kube-system"
    assert (await stage.call("gone", asked)).status == 400
    told = await stage.call(
        "gone",
        json={"namespace": "kube-system"},
        headers={
            "Authorization": f"Bearer {TOKEN}",
            "X-Namespace": "kube-system",
            "Host": "runner.kube-system",
        },
    )
    assert (told.status, told.body["detail"]) == (404, 'Script "gone" does not exist in namespace "team"')


async def test_a_second_request_on_the_connection_needs_a_token_of_its_own(stage: Stage) -> None:
    first = write(GOOD, name="gone").replace(b"Connection: close\r\n", b"")
    answer = await stage.send(first + write())
    assert re.findall(rb"HTTP/1.1 ([0-9]+)", answer) == [b"404", b"401"]
