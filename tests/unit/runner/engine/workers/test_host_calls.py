"""Host calls as scripts and hosts see them."""

import asyncio

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import HostError
from scriptorium_runner.engine.workers.call_record import MOST_FREE_CALLS
from tests.unit.runner.engine.hosts import FakeHost, answering, failing, gathering, hanging, yielding
from tests.unit.runner.engine.processes import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_reaches_the_host_and_its_answer_the_script(run):
    host = FakeHost()
    result = await run(
        "const {arguments: a} = await scripts.call('x', {n: [1, 'ü\\0']}); return a", host=host
    )
    assert result.output == {"value": ["x", {"n": [1, "ü\0"]}]}
    assert host.asked == [("scripts.call", ["x", {"n": [1, "ü\0"]}])]
    assert result.usage.api_calls == 1


@pytest.mark.parametrize(
    "source",
    [
        "return typeof http.get",
        "return typeof scripts.call",
        "return typeof globalThis['ht' + 'tp'].get",
        "return typeof h\\u0074tp.get",
        "return typeof gl\\u006fbalThis['ht' + 'tp'].get",
    ],
)
async def test_host_calls_are_there_for_who_can_name_them(run, source):
    assert (await run(source, host=FakeHost())).output == {"value": "function"}


async def test_what_the_host_does_not_have_is_not_there(run):
    assert (await run("return typeof http + typeof scripts")).output == {"value": "undefinedundefined"}
    host = FakeHost(methods={"http.get": True})
    assert (await run("return typeof http + typeof scripts", host=host)).output == {
        "value": "objectundefined"
    }
    result = await run("await http.post('a')", host=host)
    assert (result.reason, result.error.message) == (Reason.SCRIPT_ERROR, "http.post is not there")


async def test_a_response_has_text_and_json_and_is_data_beside_them(run):
    host = answering({"status": 200, "headers": {}, "body": '{"a":1}'})
    source = "const r = await http.get('https://a.example/'); return {r, text: r.text(), json: r.json()}"
    assert (await run(source, host=host)).output == {
        "r": {"status": 200, "headers": {}, "body": '{"a":1}'},
        "text": '{"a":1}',
        "json": {"a": 1},
    }


async def test_an_error_can_be_caught_and_has_name_code_and_message(run):
    source = """
try { await http.get('https://a.example/'); } catch (e) {
  return {is: e instanceof Error, name: e.name, code: e.code, message: e.message, keys: Object.keys(e)};
}
"""
    assert (await run(source, host=failing())).output == {
        "is": True,
        "name": "PermissionDenied",
        "code": "PermissionDenied",
        "message": "the host is not on the list",
        "keys": [],
    }


async def test_an_error_that_nobody_catches_leads_to_the_call(run):
    source = "const a = 1;\nasync function load() {\n  return await http.get('https://a/');\n}\nawait load();"
    result = await run(source, host=failing(HostError("gone", code="E_GONE", name="Gone")))
    assert (result.reason, result.error.name, result.error.message) == (Reason.SCRIPT_ERROR, "Gone", "gone")
    assert (result.error.line, result.error.column) == (3, 21)
    assert "load (script:3:" in result.error.stack
    assert "input>" not in result.error.stack


async def test_a_bug_in_a_host_tells_the_script_nothing_of_it(run, caplog):
    result = await run(
        "try { await http.get() } catch (e) { return e }", host=failing(KeyError("/etc/secret"))
    )
    result = await run("await http.get()", host=failing(KeyError("/etc/secret")))
    assert (result.error.name, result.error.message) == ("HostFailure", "the host call failed")
    assert "a host call failed" in caplog.text


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object()])
async def test_what_json_cannot_hold_is_a_failure_of_the_host(run, value):
    assert (await run("await http.get()", host=answering(value))).error.name == "HostFailure"


async def test_an_answer_that_is_too_large_is_an_error_that_can_be_caught(run):
    host = answering({"body": "x" * (4 * 1024 * 1024)})
    result = await run("try { await http.get() } catch (e) { return e.code }", host=host)
    assert result.output == {"value": "AnswerTooLarge"}
    large = answering({"body": "ü" * (1024 * 1024)})
    assert (await run("return (await http.get()).body.length", host=large)).output == {"value": 1024 * 1024}


async def test_an_error_is_told_whole_or_not_at_all(run):
    source = "try { await http.get() } catch (e) { return [e.name, e.message] }"
    host = failing(HostError("x" * 4096, code="Failure", name="y" * 256))
    assert (await run(source, host=host)).output == {"value": ["y" * 256, "x" * 4096]}
    host = failing(HostError("x" * 4097, code="Failure", name="y" * 257))
    name, message = (await run(source, host=host)).output["value"]
    assert (name, "xx" in message, "4097 characters" in message) == ("Failure", False, True)


async def test_an_answer_for_which_the_script_has_no_memory_ends_it(run):
    host = answering({"body": "x" * (3 * 1024 * 1024)})
    source = "const all = []; for (let i = 0; i < 20; i++) all.push((await http.get()).body); return 1"
    result = await run(source, host=host, memory_mb=16)
    assert result.reason in (Reason.MEMORY_LIMIT, Reason.SCRIPT_ERROR)
    assert (await run("return 1")).output == {"value": 1}


async def test_arguments_that_json_cannot_hold_reject_the_call(run):
    host = FakeHost()
    for argument in (
        "1n",
        "(() => { const a = []; a[0] = a; return a; })()",
        "{toJSON() { throw new TypeError('t') }}",
    ):
        result = await run(
            f"try {{ await http.post('u', {argument}) }} catch (e) {{ return e.name }}", host=host
        )
        assert result.output == {"value": "TypeError"}
    assert host.asked == []


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("'x'.repeat(2 ** 20)", "ArgumentTooLarge"),
        ("JSON.parse('['.repeat(210) + ']'.repeat(210))", "ArgumentTooDeep"),
    ],
)
async def test_arguments_beyond_their_limits_reject_the_call_and_do_not_count(run, argument, code):
    host = FakeHost()
    source = (
        f"try {{ await http.post({argument}) }} catch (e) {{ await http.get(1); return [e.name, e.code] }}"
    )
    result = await run(source, host=host, api_calls=1)
    assert result.output == {"value": ["RangeError", code]}
    assert (host.asked, result.usage.api_calls) == ([("http.get", [1, None])], 1)


async def test_the_deepest_arguments_that_are_allowed_arrive(run):
    source = "let a = 1; for (let i = 0; i < 197; i++) a = [a]; await http.post('u', a); return 1"
    assert (await run(source, host=FakeHost())).output == {"value": 1}


async def test_calls_that_run_together_are_answered_each_its_own(run):
    host = gathering(50)
    source = "return await Promise.all(Array.from({length: 80}, (_, i) => scripts.call('n' + i)))"
    result = await run(source, host=host)
    assert result.output == {"value": [f"n{number}" for number in range(80)]}
    assert (result.usage.api_calls, host.most_open) == (80, 50)


async def test_calls_wait_in_line_where_fewer_may_be_under_way(run):
    host = gathering(2)
    source = "return await Promise.all(Array.from({length: 9}, (_, i) => scripts.call('n' + i)))"
    result = await run(source, host=host, pending_calls=2)
    assert (len(result.output["value"]), host.most_open) == (9, 2)


async def test_one_call_too_many_ends_the_run_where_it_is_and_cannot_be_caught(run):
    host = FakeHost()
    source = """
try {
  for (;;) { try { await http.get(1) } catch {} }
} catch { return 'caught' } finally { await 1; return 'finally' }
"""
    result = await run(source, host=host, api_calls=3)
    assert (result.reason, result.error.name, result.error.line) == (Reason.API_CALL_LIMIT, "APICallLimit", 3)
    assert "limit of 3" in result.error.message
    assert (result.usage.api_calls, len(host.asked)) == (3, 3)


@pytest.mark.parametrize(
    "source",
    [
        "console.log('before'); for (;;) http.get(1).catch(() => {})",
        "console.log('before'); queueMicrotask(() => { for (;;) http.get(1) }); await null; await null",
        "console.log('before'); await {then() { for (;;) try { http.get(1) } catch {} }}; return 1",
    ],
    ids=["body", "microtask", "thenable"],
)
async def test_a_flood_of_calls_ends_soon_and_keeps_its_lines(run, source):
    result = await run(source, host=hanging(), api_calls=30, timeout_seconds=20)
    assert (result.reason, result.usage.api_calls) == (Reason.API_CALL_LIMIT, 30)
    assert [entry.message for entry in result.logs] == ["before"]
    assert result.duration_ms < 5000


async def test_calls_that_do_not_count_are_free_but_not_without_end(run):
    source = "for (let i = 0; i < 5; i++) await utils.date.format(0, 'YYYY', 'Europe/Rome'); return 'free'"
    result = await run(source, host=answering(0), api_calls=0)
    assert (result.output, result.usage.api_calls) == ({"value": "free"}, 0)
    flood = "for (;;) await utils.date.format(0, 'YYYY', 'Europe/Rome')"
    result = await run(flood, host=answering(0))
    assert (result.reason, result.usage.api_calls) == (Reason.API_CALL_LIMIT, 0)
    assert MOST_FREE_CALLS == 10_000


async def test_a_promise_that_nothing_can_settle_is_told_at_once_also_after_calls(run):
    result = await run("await http.get(1); await new Promise(() => {})", host=FakeHost())
    assert (result.reason, result.error.name) == (Reason.SCRIPT_ERROR, "UnsettledPromise")
    assert result.duration_ms < 5000


async def test_waiting_for_the_host_counts_towards_the_time_and_names_the_call(run):
    host = hanging()
    result = await run("console.log('asking');\n await http.get(1)", host=host, timeout_seconds=0.3)
    assert (result.reason, result.error.line) == (Reason.TIMEOUT, 2)
    assert 300 <= result.duration_ms < 5000
    assert [entry.message for entry in result.logs] == ["asking"]
    await asyncio.sleep(0)
    assert (host.open, host.cancelled) == (0, 1)


async def test_a_cancelled_run_cancels_its_calls(run, engine):
    host, cancelled = hanging(), asyncio.Event()
    running = asyncio.create_task(run("await http.get(1)", host=host, cancelled=cancelled))
    await wait_until(lambda: bool(host.asked))
    cancelled.set()
    assert (await running).reason is Reason.CANCELLED
    await asyncio.sleep(0)
    assert host.cancelled == 1


async def test_calls_that_nobody_awaits_end_with_the_run_and_do_not_reach_the_next(run):
    host = hanging()
    assert (await run("http.get(1); return 'done'", owner="left", host=host)).output == {"value": "done"}
    await asyncio.sleep(0)
    assert (host.open, len(host.asked)) == (0, host.cancelled)
    late = yielding()
    for number in range(20):
        source = f"scripts.call('late'); return await scripts.call({number})"
        assert (await run(source, owner="left", host=late)).output == {"value": number}


async def test_calls_that_follow_each_other_do_so(run):
    source = "let n = 0; for (let i = 0; i < 20; i++) n = await scripts.call(n + 1); return n"
    assert (await run(source, host=yielding())).output == {"value": 20}


BYTES = "new Uint8Array([0, 255, 10, 128])"


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (f"http.post('u', {BYTES})", ["u", None, {"bodyBase64": "AP8KgA=="}]),
        (
            f"http.post('u', {BYTES}, {{headers: {{a: 'b'}}}})",
            ["u", None, {"headers": {"a": "b"}, "bodyBase64": "AP8KgA=="}],
        ),
        (f"http.post('u', {BYTES}, null)", ["u", None, {"bodyBase64": "AP8KgA=="}]),
        (f"http.post('u', {BYTES}.subarray(1, 3))", ["u", None, {"bodyBase64": "/wo="}]),
        ("http.post('u', new Uint8Array(0))", ["u", None, {"bodyBase64": ""}]),
        (f"http.post('u', {BYTES}, 'fast')", ["u", None, "fast"]),
        ("http.post('u', [1, 2])", ["u", [1, 2], None]),
        ("http.post('u', {[Symbol.toStringTag]: 'Uint8Array'})", ["u", {}, None]),
    ],
)
async def test_bytes_are_sent_as_bytes_and_nothing_else_is_taken_for_them(run, call, asked):
    host = FakeHost()
    await run(f"await {call}", host=host)
    assert host.asked == [("http.post", asked)]


async def test_a_whole_request_may_have_bytes_too(run):
    host = FakeHost(methods={"http.request": True})
    await run(f"await http.request({{url: 'u', method: 'PUT', body: {BYTES}}})", host=host)
    assert host.asked == [("http.request", [{"url": "u", "method": "PUT", "bodyBase64": "AP8KgA=="}])]


async def test_bytes_that_come_back_are_bytes_without_text(run):
    host = answering({"status": 200, "headers": {}, "bodyBase64": "AP8KgA=="})
    source = (
        "const r = await http.get('u', {responseType: 'bytes'});"
        "const is = r.body instanceof Uint8Array;"
        "return {keys: Object.keys(r), is, list: Array.from(r.body), text: typeof r.text}"
    )
    assert (await run(source, host=host)).output == {
        "keys": ["status", "headers", "body"],
        "is": True,
        "list": [0, 255, 10, 128],
        "text": "undefined",
    }


async def test_bytes_do_not_depend_on_what_a_script_makes_of_the_language(run):
    host = answering({"status": 200, "bodyBase64": "AQI="})
    source = (
        "const seen = [];"
        "Uint8Array.fromBase64 = Uint8Array.prototype.toBase64 = () => 'mine';"
        "const arrays = Object.getPrototypeOf(Uint8Array.prototype);"
        "Object.defineProperty(arrays, Symbol.toStringTag, {get: () => 'mine'});"
        "const trap = {set(value) { seen.push(value); }, configurable: true};"
        "Object.defineProperty(Object.prototype, 'body', trap);"
        f"const r = await http.post('u', {BYTES});"
        "delete Object.prototype.body;"
        "return {list: Array.from(r.body), seen}"
    )
    result = await run(source, host=host)
    assert result.output == {"list": [1, 2], "seen": []}
    assert host.asked == [("http.post", ["u", None, {"bodyBase64": "AP8KgA=="}])]


async def test_too_many_bytes_are_refused_before_they_are_sent(run):
    host = FakeHost()
    source = "try { await http.post('u', new Uint8Array(800 * 1024)); } catch (error) { return error.code; }"
    assert (await run(source, host=host)).output == {"value": "ArgumentTooLarge"}
    assert host.asked == []


async def test_answers_that_a_busy_script_leaves_unread_fail_beyond_their_share_and_then_it_goes_on(run):
    host = answering("x" * 3_000_000)
    source = """
const calls = Array.from({ length: 12 }, () => scripts.call('x'));
const end = Date.now() + 3000; while (Date.now() < end);
const told = (await Promise.allSettled(calls)).map(({ value, reason }) => value?.length ?? reason.code);
return [...new Set(told), (await scripts.call('x')).length]"""
    result = await run(source, host=host)
    assert (result.reason, set(result.output["value"])) == (Reason.COMPLETED, {3_000_000, "AnswerTooLarge"})
    assert result.output["value"][-1] == 3_000_000
