import dataclasses
import json
import signal
from datetime import UTC, datetime

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Limits, Program
from scriptorium_runner.engine.result import settle
from scriptorium_runner.engine.workers.channel import Exchange
from scriptorium_runner.engine.workers.worker_process import Exit

ANSWERED = Exchange(
    report=b'{"end":"value","usage":{"cpu":0.1,"cpu_total":0.2,"peak":20000},"text":""}\n{"value":1}',
    logs=b"",
    exit=None,
    was_cancelled=False,
    was_killed=False,
    is_peak_known=True,
    cpu_before=0.1,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    seconds=0.1,
)


def test_a_worker_that_answered_can_be_used_again():
    assert settle(Program(source="", owner="a"), Limits(), ANSWERED).is_clean


@pytest.mark.parametrize("ended", ["was_cancelled", "was_killed"])
def test_a_worker_that_was_ended_after_its_answer_is_not_used_again(ended):
    exchange = dataclasses.replace(ANSWERED, **{ended: True})
    settled = settle(Program(source="", owner="a"), Limits(), exchange)
    assert (settled.result.reason, settled.is_clean) == (Reason.COMPLETED, False)


NO_WORDS = {"name": "", "message": "", "stack": ""}
TOO_LONG = "the script ran longer than its limit of 30 s"
ENDS = {
    signal.SIGALRM: (Reason.TIMEOUT, TOO_LONG),
    signal.SIGXCPU: (Reason.TIMEOUT, TOO_LONG),
    signal.SIGSYS: (Reason.ENGINE_CRASH, "it asked the operating system for what no script needs"),
    signal.SIGSEGV: (Reason.ENGINE_CRASH, "its worker was ended by SIGSEGV"),
}


@pytest.mark.parametrize(("number", "end"), ENDS.items(), ids=str)
def test_what_ended_a_worker_is_told_in_plain_words(number, end):
    exit_ = Exit(status=number, cpu_seconds=1, peak_kb=1024)
    exchange = dataclasses.replace(ANSWERED, report=None, exit=exit_)
    result = settle(Program(source="", owner="a"), Limits(), exchange).result
    assert result.reason is end[0]
    assert result.error.message.endswith(end[1])


def settle_text(text: str):
    head = json.dumps(
        {"end": "error", "usage": {"cpu": 0, "cpu_total": 0, "peak": 0}, "text": text} | NO_WORDS
    )
    exchange = dataclasses.replace(ANSWERED, report=f"{head}\n".encode())
    return settle(Program(source="", owner="a"), Limits(), exchange).result.error


def test_a_message_is_cut_where_redaction_looks_for_the_beginning_of_a_secret_or_left_out():
    # The engine's own words, which the worker cuts at 8192 characters.
    assert settle_text(f"{'n' * 5000}: {'x' * 5000}"[:8192]).message == "x" * 256
    assert settle_text(f"{'n' * 8000}: {'x' * 5000}"[:8192]).message == ""
    assert settle_text(f"{'n' * 5000}: {'x' * 1000}").message == "x" * 1000
    assert settle_text(f"Error: {'x' * 9000}"[:8192]).message == "x" * 4096
