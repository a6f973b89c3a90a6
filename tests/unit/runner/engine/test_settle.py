import dataclasses
from datetime import UTC, datetime

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Limits, Program
from scriptorium_runner.engine.channel import Exchange
from scriptorium_runner.engine.result import settle

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
