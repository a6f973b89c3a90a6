"""Scripts that are called from inside the cluster: a real engine, and real requests on the loopback."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner import engine
from scriptorium_runner.endpoints.invoke.ports import Forbidden, ReviewFailed, Unknown
from scriptorium_runner.executions.decide import Source, Values
from scriptorium_runner.executions.errors import NoWorker
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.web import internal
from tests.support.makers import make_script
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import MemoryBoard, ObedientSandbox
from tests.unit.runner.web.stage import ADA, TOKEN, Stage, open_stage

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
SCRIPTS = {
    "hello": {"source": "console.log('at work', input); return {hello: input.name}"},
    "context": {"source": "return ctx"},
    "bad": {"source": "throw new TypeError('no order')"},
    "broken": {"source": "return 1;\nreturn }"},
    "endless": {"source": "for (;;) {}", "limits": {"timeoutSeconds": 30}},
    "asleep": {"source": "return 1", "suspend": True},
    "sum": {
        "source": "return await scripts.call('hello', {name: 'sum'})",
        "permissions": {"scripts": ["hello"]},
    },
}


@pytest_asyncio.fixture(name="workers")
async def start_workers() -> AsyncIterator[engine.Engine]:
    own = engine.Engine(engine.EngineSettings(pool_size=2, spare_workers=0, acquire_seconds=10))
    await own.start()
    yield own
    await own.shutdown()


def make_board(**scripts: Any) -> MemoryBoard:
    return MemoryBoard({name: make_script(name, **spec) for name, spec in (SCRIPTS | scripts).items()})


@pytest_asyncio.fixture(name="stage")
async def open_real_stage(workers: engine.Engine) -> AsyncIterator[Stage]:
    async with open_stage(EngineSandbox(workers), make_board()) as stage:
        yield stage


async def test_a_script_runs_and_its_caller_gets_what_a_status_would_have(stage: Stage) -> None:
    told = await stage.call(json={"name": "Ada"})
    assert (told.status, told.headers["Content-Type"]) == (200, "application/json")
    body = told.body
    assert (body["phase"], body["reason"], body["output"]) == ("Succeeded", "Completed", {"hello": "Ada"})
    assert [(line["level"], line["message"], line["data"]) for line in body["logs"]] == [
        ("info", "at work", [{"name": "Ada"}])
    ]
    assert body["sourceHash"].startswith("sha256:")
    assert body["durationMs"] >= 0
    assert set(body["usage"]) >= {"cpuMs", "apiCalls"}
    assert body["requestId"] == told.headers["X-Request-Id"]
    assert re.fullmatch(r"queue;dur=[0-9.]+, run;dur=[0-9.]+", told.headers["Server-Timing"])


async def test_a_script_knows_who_called_it_and_that_it_is_embedded(stage: Stage) -> None:
    told = await stage.call("context", headers=AUTHORIZED | {"X-Request-Id": "order-4711"})
    seen = told.body["output"]
    assert seen["user"] == {"id": "ada-uid", "name": ADA.name, "email": None}
    assert (seen["script"]["type"], seen["script"]["name"]) == ("embedded", "context")
    assert (seen["execution"]["id"], seen["execution"]["triggeredBy"]) == ("order-4711", "api")
    assert seen["input"] == {}
    assert told.body["requestId"] == told.headers["X-Request-Id"] == "order-4711"


async def test_a_script_that_is_called_may_call_others(stage: Stage) -> None:
    assert (await stage.call("sum")).body["output"] == {"hello": "sum"}


async def test_a_script_that_fails_is_an_answer_with_its_error(stage: Stage) -> None:
    told = await stage.call("bad")
    assert told.status == 200
    assert (told.body["phase"], told.body["reason"]) == ("Failed", "ScriptError")
    assert (told.body["error"]["name"], told.body["error"]["message"]) == ("TypeError", "no order")


async def test_a_caller_can_shorten_the_time_of_a_script(stage: Stage) -> None:
    told = await stage.call("endless", "?timeoutSeconds=1")
    assert (told.status, told.body["phase"], told.body["reason"]) == (200, "TimedOut", "Timeout")


async def test_a_source_that_is_no_javascript_is_told_with_its_place(stage: Stage) -> None:
    told = await stage.call("broken")
    assert (told.status, told.headers["Content-Type"]) == (422, "application/problem+json")
    assert (told.body["error"]["line"], told.body["error"]["name"]) == (2, "SyntaxError")
    assert told.body["error"]["column"] >= 1


async def test_what_cannot_run_is_told_with_the_cure(stage: Stage) -> None:
    missing, asleep = await stage.call("gone"), await stage.call("asleep")
    assert (missing.status, asleep.status) == (404, 409)
    assert '"gone" does not exist in namespace "team"' in missing.body["detail"]
    assert "set its spec.suspend to false" in asleep.body["detail"]
    assert missing.body["requestId"] == missing.headers["X-Request-Id"]


async def test_a_value_that_is_missing_may_be_there_later(workers: engine.Engine) -> None:
    board = make_board()
    board.values = Values(problem='Secret "keys" does not exist')
    async with open_stage(EngineSandbox(workers), board) as stage:
        told = await stage.call()
    assert (told.status, told.headers["Retry-After"]) == (503, "5")
    assert 'Secret "keys"' in told.body["detail"]


async def test_what_a_secret_holds_is_not_in_the_answer(workers: engine.Engine) -> None:
    board = make_board(leak={"source": "console.log(env.KEY); return {key: env.KEY}"})
    board.values = Values({"KEY": "hunter2-hunter2"}, secrets=frozenset({"hunter2-hunter2"}))
    async with open_stage(EngineSandbox(workers), board) as stage:
        told = await stage.call("leak")
    assert told.body["output"] == {"key": "[secret]"}
    assert "hunter2" not in json.dumps(told.body)


async def test_a_caller_who_goes_away_takes_the_run_along(workers: engine.Engine) -> None:
    async with open_stage(EngineSandbox(workers), make_board()) as stage:
        calling = asyncio.create_task(stage.call("endless"))
        await until_async(lambda: workers.stats().lane_busy.get(engine.Lane.HTTP) == 1)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await until_async(lambda: workers.stats().in_use == 0)
        await until_async(lambda: len(stage.records) == 1)
        (record,) = stage.records
        assert (record.status, record.phase, record.reason) == (499, Phase.CANCELLED, Reason.CANCELLED)
        assert (await stage.call(json={"name": "Bob"})).body["output"] == {"hello": "Bob"}


async def test_a_runner_that_stops_cuts_off_what_does_not_end(workers: engine.Engine) -> None:
    async with open_stage(EngineSandbox(workers), make_board()) as stage:
        calling = asyncio.create_task(stage.call("endless"))
        await until_async(lambda: workers.stats().in_use == 1)
        await stage.listener.drain(0, 0)
        told = await calling
    assert (told.status, told.body["phase"], told.body["reason"]) == (200, "Failed", "RunnerShutdown")


async def test_a_runner_that_stops_lets_calls_end_first() -> None:
    sandbox = ObedientSandbox(hold=asyncio.Event())
    async with open_stage(sandbox) as stage:
        calling = asyncio.create_task(stage.call())
        await until_async(lambda: sandbox.now == 1)
        draining = asyncio.create_task(stage.listener.drain(0, 30))
        await asyncio.sleep(0)
        assert not draining.done()
        assert sandbox.hold
        sandbox.hold.set()
        told = await calling
        await draining
    assert (told.status, told.body["phase"]) == (200, "Succeeded")
    assert told.headers["Connection"] == "close"


class FullSandbox(ObedientSandbox):
    """Has no room for anything."""

    async def run(self, *_: Any) -> Outcome:
        raise NoWorker


async def test_without_room_the_caller_is_to_try_again() -> None:
    async with open_stage(FullSandbox()) as stage:
        told = await stage.call()
    assert (told.status, told.headers["Retry-After"]) == (503, "1")
    assert stage.records[0].phase is None


async def test_more_calls_than_a_runner_takes_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scriptorium_runner.endpoints.invoke.invoking.MOST_CALLS", 1)
    sandbox = ObedientSandbox(hold=asyncio.Event())
    async with open_stage(sandbox) as stage:
        calling = asyncio.create_task(stage.call())
        await until_async(lambda: sandbox.now == 1)
        assert (await stage.call()).status == 503
        assert sandbox.hold
        sandbox.hold.set()
        assert (await calling).status == 200


async def test_our_own_failure_says_nothing_but_that(caplog: pytest.LogCaptureFixture) -> None:
    async with open_stage(ObedientSandbox(error=RuntimeError("inner words"))) as stage:
        told = await stage.call()
    assert told.status == 500
    assert "inner words" not in json.dumps(told.body)
    assert "inner words" in caplog.text


async def test_where_scripts_are_switched_off_or_not_known_yet_nothing_runs() -> None:
    async with open_stage(ObedientSandbox(), is_enabled=False) as stage:
        off = await stage.call()
    async with open_stage(ObedientSandbox(), is_ready=lambda: False) as stage:
        unready = await stage.call()
        assert stage.reviewer.asked == []
    assert (off.status, unready.status) == (503, 503)
    assert "SCRIPTS_ENABLED" in off.body["detail"]


async def test_a_source_that_is_not_there_is_not_found() -> None:
    class Sourceless(MemoryBoard):
        async def read_source(self, script: Any) -> Source:
            return Source(None, 'ConfigMap "code" does not exist')

    async with open_stage(ObedientSandbox(), Sourceless()) as stage:
        told = await stage.call()
    assert (told.status, told.body["detail"]) == (404, 'ConfigMap "code" does not exist')


async def test_only_who_may_create_runs_may_call() -> None:
    async with open_stage(ObedientSandbox()) as stage:
        stage.reviewer.verdicts = {"eve": Forbidden("eve"), "old": Unknown()}
        forbidden = await stage.call(headers={"Authorization": "Bearer eve"})
        unknown = await stage.call(headers={"Authorization": "Bearer old"})
        nobody = await stage.call(headers={})
    assert (forbidden.status, unknown.status, nobody.status) == (403, 401, 401)
    assert '"eve" may not create scriptexecutions in namespace "team"' in forbidden.body["detail"]
    assert unknown.headers["WWW-Authenticate"] == 'Bearer realm="kubernetes"'


async def test_who_may_not_call_learns_nothing_of_what_there_is() -> None:
    async with open_stage(ObedientSandbox()) as stage:
        stage.reviewer.verdicts = {}
        answers = [await stage.call(name) for name in ("hello", "gone")]
    assert [{**each.body, "requestId": ""} for each in answers] == [{**answers[0].body, "requestId": ""}] * 2


async def test_while_the_api_server_is_away_nobody_is_let_in() -> None:
    async with open_stage(ObedientSandbox()) as stage:
        stage.reviewer.failure = ReviewFailed("Unavailable", retry_after=7)
        told = await stage.call()
        assert (told.status, told.headers["Retry-After"]) == (503, "7")
        stage.reviewer.failure = None
        assert (await stage.call()).status == 200


async def test_the_body_is_read_for_those_alone_who_may_call() -> None:
    async with open_stage(ObedientSandbox()) as stage:
        stage.reviewer.verdicts = {}
        head = b"POST /v1/scripts/hello/invoke HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n"
        answer = await stage.send(head + b"Connection: close\r\nContent-Length: 1000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (415, {"data": b"{}"}),
        (415, {"data": b"{}", "type": "application/x-www-form-urlencoded"}),
        (400, {"data": b"[1]"}),
        (400, {"data": b"{"}),
        (413, {"data": b'{"a": "' + b"x" * 65536 + b'"}'}),
        (413, {"data": b" " * 200_000}),
    ],
)
async def test_a_body_that_is_no_input_is_refused(status: int, options: dict[str, Any]) -> None:
    kind = options.pop("type", "application/octet-stream" if status == 415 else "application/json")
    async with open_stage(ObedientSandbox()) as stage:
        told = await stage.call(headers=AUTHORIZED | {"Content-Type": kind}, **options)
    assert told.status == status
    assert stage.records[0].phase is None


async def test_a_body_of_unknown_length_is_cut_off_too() -> None:
    async def flood() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    async with open_stage(ObedientSandbox()) as stage:
        told = await stage.call(headers=AUTHORIZED | {"Content-Type": "application/json"}, data=flood())
    assert told.status == 413


async def test_there_is_nothing_else_on_this_port() -> None:
    async with open_stage(ObedientSandbox()) as stage:
        for path in ("/", "/livez", "/metrics", "/v1/scripts", "/v1/scripts/hello"):
            async with stage.session.post(stage.address + path, headers=AUTHORIZED) as answer:
                assert answer.status == 404, path
        async with stage.session.get(
            f"{stage.address}/v1/scripts/hello/invoke", headers=AUTHORIZED
        ) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_each_call_is_one_line_that_holds_neither_its_input_nor_its_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with open_stage(ObedientSandbox()) as stage:
        await stage.call(json={"password": "hunter2"}, headers=AUTHORIZED | {"X-Request-Id": "one"})
    (line,) = (vars(each) for each in caplog.records if each.message == "script invoked")
    told = {name: line[name] for name in ("requestId", "script", "caller", "status", "phase", "reason")}
    assert told == {
        "requestId": "one",
        "script": "hello",
        "caller": ADA.name,
        "status": 200,
        "phase": "Succeeded",
        "reason": "Completed",
    }
    everything = repr([vars(each) for each in caplog.records])
    assert "hunter2" not in everything
    assert TOKEN not in everything


async def test_what_is_no_http_is_a_problem_that_repeats_nothing_of_it() -> None:
    async with open_stage(ObedientSandbox()) as stage:
        for message, status in (
            (b"POST /secret-words HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer secret-words\r\n\r\n", 400),
            (b"secret-words\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + b"x" * 30_000 + b"\r\n\r\n", 431),
            (b"GET / HTTP/1.1\r\nHost: a, b\r\nConnection: close\r\n\r\n", 400),
        ):
            head, _, body = (await stage.send(message)).partition(b"\r\n\r\n")
            assert head.startswith(f"HTTP/1.1 {status} ".encode())
            assert b"content-type: application/problem+json" in head.lower()
            assert json.loads(body)["status"] == status
            assert b"secret-words" not in head + body


async def test_a_head_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = replace(internal.PATIENCE, head=0.1)
    monkeypatch.setattr(internal, "PATIENCE", hasty)
    async with open_stage(ObedientSandbox()) as stage:
        assert await stage.send(b"POST / HTTP/1.1\r\nHost: a\r\n") == b""


async def test_a_body_that_is_framed_badly_is_the_callers_fault() -> None:
    head = b"POST /v1/scripts/hello/invoke HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + TOKEN.encode()
    head += b"\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with open_stage(ObedientSandbox()) as stage:
        assert (await stage.send(head, b"zz\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_runner_that_stops_still_answers_who_has_not_heard_of_it() -> None:
    async with open_stage(ObedientSandbox()) as stage:
        assert "Connection" not in (await stage.call()).headers
        draining = asyncio.create_task(stage.listener.drain(600, 0))
        await asyncio.sleep(0)
        told = await stage.call()
        assert (told.status, told.body["phase"]) == (200, "Succeeded")
        assert told.headers["Connection"] == "close"
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
