"""What a worker that was taken over may say, and what becomes of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Limits, Program, result, untrusted
from scriptorium_runner.engine.console import read_logs
from scriptorium_runner.engine.errors import WorkerLost
from scriptorium_runner.engine.protocol import DONE, FrameBuffer, encode_frame
from scriptorium_runner.engine.workers.channel import Exchange
from scriptorium_runner.engine.workers.worker_process import Exit

REPORT = {
    "end": "value",
    "size": 0,
    "usage": {"cpu": 0.5, "cpu_total": 0.75, "peak": 2048},
    "text": "",
    "name": "",
    "message": "",
    "stack": "",
}


def make_exchange(report: object = REPORT, output: bytes = b"{}", **changes) -> Exchange:
    body = json.dumps(report).encode() + b"\n" + output
    fields = {
        "report": body,
        "logs": b"",
        "exit": None,
        "was_cancelled": False,
        "was_killed": False,
        "is_peak_known": True,
        "cpu_before": 0.25,
        "started_at": datetime.now(UTC),
        "seconds": 1.5,
    }
    return Exchange(**(fields | changes))


def settle(exchange: Exchange, **limits: int):
    return result.settle(Program(source="", owner="a"), Limits(**limits), exchange)


def test_a_sound_report_becomes_a_result():
    settled = settle(make_exchange(output=b'{"a":1}'))
    assert (settled.result.reason, settled.result.output) == (Reason.COMPLETED, {"a": 1})
    assert (settled.result.usage.cpu_ms, settled.result.usage.peak_memory_mb) == (500, 2)
    assert (settled.is_clean, settled.cpu_seconds, settled.result.duration_ms) == (True, 0.75, 1500)


@pytest.mark.parametrize(
    "exchange",
    [
        make_exchange([]),
        make_exchange("text"),
        make_exchange({}),
        make_exchange(REPORT | {"end": "unheard of"}),
        make_exchange(REPORT | {"end": ["value"]}),
        make_exchange(REPORT | {"end": "error", "name": 5}),
        make_exchange(REPORT | {"text": None}),
        make_exchange(REPORT | {"usage": {"cpu": -1, "cpu_total": 0, "peak": 0}}),
        make_exchange(REPORT | {"usage": {"cpu": True, "cpu_total": 0, "peak": 0}}),
        make_exchange(REPORT | {"usage": {"cpu": 1, "cpu_total": 1e300, "peak": 0}}),
        make_exchange(output=b"not json"),
        make_exchange(output=b'"no object"'),
        make_exchange(output=b'{"a":NaN}'),
        make_exchange(output=b'{"a":1e999}'),
        make_exchange(output=b"{" + b"1" * 5000 + b"}"),
        make_exchange(output=b'{"a":' + b"1" * 5000 + b"}"),
        make_exchange(output='{"a":1}'.encode("utf-16")),
        make_exchange(output='{"a":"\ud800"}'.encode("utf-8", "surrogatepass")),
        replace(make_exchange(), report=b"\xff\xfe"),
        make_exchange(REPORT | {"end": "large", "size": "many"}),
    ],
)
def test_a_report_that_makes_no_sense_is_a_crash(exchange):
    settled = settle(exchange)
    assert (settled.result.reason, settled.is_clean) == (Reason.ENGINE_CRASH, False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        (str(2**63), 2.0**63),
        ("-1" + "0" * 300, -1e300),
        ("-0", 0),
    ],
)
def test_an_integer_that_kubernetes_would_not_read_as_one_is_a_float(text, number):
    found = untrusted.read_json(text.encode())
    assert (found, type(found)) == (number, type(number))


def test_an_error_that_the_engine_tells_at_length_is_cut():
    long = make_exchange(REPORT | {"end": "error", "text": "n" * 6000 + ": " + "m" * 6000})
    error = settle(long).result.error
    assert (len(error.name), len(error.message)) == (256, 256)


def test_an_output_over_the_limit_is_refused_again():
    assert settle(make_exchange(output=b'"' + b"x" * 2000), output_kb=1).result.reason is Reason.OUTPUT_LIMIT


def test_an_output_that_is_too_deep_is_refused():
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    assert settle(make_exchange(output=deep)).result.reason is Reason.OUTPUT_LIMIT


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"was_killed": True}, Reason.TIMEOUT, "limit of 30 s"),
        ({"was_cancelled": True, "was_killed": True}, Reason.CANCELLED, "cancelled"),
        ({"exit": Exit(status=14, cpu_seconds=1, peak_kb=1024)}, Reason.TIMEOUT, "limit of 30 s"),
        ({"exit": Exit(status=11, cpu_seconds=1, peak_kb=1024)}, Reason.ENGINE_CRASH, "SIGSEGV"),
        ({"exit": Exit(status=9, cpu_seconds=1, peak_kb=1024)}, Reason.ENGINE_CRASH, "SIGKILL, perhaps"),
        ({"exit": Exit(status=40, cpu_seconds=1, peak_kb=1024)}, Reason.ENGINE_CRASH, "signal 40"),
        ({"protocol_error": "a frame out of turn"}, Reason.ENGINE_CRASH, "a frame out of turn"),
    ],
)
def test_a_death_is_named_by_what_caused_it(changes, reason, words):
    settled = settle(replace(make_exchange(), report=None, **changes))
    assert (settled.result.reason, settled.is_clean) == (reason, False)
    assert words in settled.result.error.message


def test_what_a_dead_worker_used_is_counted_by_the_kernel():
    dead = Exit(status=9, cpu_seconds=1.25, peak_kb=3072)
    usage = settle(replace(make_exchange(), report=None, exit=dead)).result.usage
    assert (usage.cpu_ms, usage.peak_memory_mb) == (1000, 3)


def test_what_nobody_counted_is_absent():
    usage = settle(replace(make_exchange(), report=None)).result.usage
    assert (usage.cpu_ms, usage.peak_memory_mb) == (None, None)


LINE = b'[0,1000,"info",0,"hello",null]\n'


@pytest.mark.parametrize(
    "bad",
    [
        b"junk\n",
        b"{}\n",
        b'[0,1000,"info"]\n',
        b'[0,1000,"fatal",0,"m",null]\n',
        b'[0,1000,["info"],0,"m",null]\n',
        b'[0,-1,"info",0,"m",null]\n',
        b'[0,1e400,"info",0,"m",null]\n',
        b'[0,999999999999999999,"info",0,"m",null]\n',
        b'[0,1000,"info",0,5,null]\n',
        b'["0",1000,"info",0,"m",null]\n',
        b'[-1,1000,"info",0,"m",null]\n',
        b'[1e3,1000,"info",0,"m",null]\n',
        b'[99999999999999999999,1000,"info",0,"m",null]\n',
        b'[0,1000,"info",0,"m",{"no":"list"}]\n',
        b"\xff\xff\n",
        b"[" * 100000 + b"\n",
        b'[0,1000,"info",0,"torn',
    ],
)
def test_a_console_line_that_makes_no_sense_is_left_out(bad):
    tail = read_logs(LINE + bad, 1024)
    assert [entry.message for entry in tail.lines] == ["hello"]
    assert tail.is_cut
    assert tail.dropped == 0


def test_a_console_line_has_a_readable_time():
    tail = read_logs(LINE, 1024)
    assert (tail.lines[0].timestamp, tail.is_cut) == ("1970-01-01T00:00:01.000Z", False)


def test_frames_come_out_as_they_went_in_however_they_are_torn():
    frames, stream = FrameBuffer(), encode_frame(DONE, b"first") + encode_frame(DONE, b"")
    seen = []
    for byte in stream:
        frames.feed(bytes([byte]))
        while (frame := frames.next_frame(10)) is not None:
            seen.append(frame)
    assert seen == [(DONE, b"first"), (DONE, b"")]


@pytest.mark.parametrize("head", [b"\xff\xff\xff\xffD", b"\x00\x00\x00\x0cD", b"\x00\x00\x00\x00D"])
def test_a_frame_of_a_forbidden_length_is_refused_before_it_is_stored(head):
    frames = FrameBuffer()
    frames.feed(head)
    with pytest.raises(WorkerLost):
        frames.next_frame(10)


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    assert untrusted.read_json(b'{"\\ud800":["\\ud83d\\ude00","\\udc00x"]}') == {"\ufffd": ["😀", "\ufffdx"]}
