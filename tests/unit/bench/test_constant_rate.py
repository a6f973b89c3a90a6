"""What requests at a constant rate come to, counted from the moment that each was due."""

import math
from collections import Counter

import pytest

from bench.endpoints import constant_rate, report
from bench.endpoints.constant_rate import Rate
from bench.endpoints.open_loop import Key
from bench.endpoints.vegeta import Answer

#: A hundred a second, so that one is due every 10 ms.
RATE, STEP_MS = 100, 10


def make_answer(place, *, late_ms=0, took_ms=1, status=200, told=""):
    sent = 1_000_000_000 + (place * STEP_MS + late_ms) * 1_000_000
    is_right = status == 200 and not told
    return Answer(place, sent, took_ms * 1_000_000, status, is_right, told)


def make_run(count=100, *changed):
    found = {answer.place: answer for answer in changed}
    answers = [found.get(place, make_answer(place)) for place in range(count)]
    return constant_rate.count_from_due(answers, RATE)


@pytest.mark.parametrize(("peak", "rates"), [(1000, [250, 500, 800]), (1, [1, 1, 1]), (None, []), (0, [])])
def test_rates_are_shares_of_the_peak(peak, rates):
    assert [rate.per_second for rate in constant_rate.choose_rates(peak)] == rates


def test_what_was_sent_in_time_took_what_it_took():
    run = make_run(3, make_answer(1, took_ms=30))
    assert run.took == pytest.approx([0.001, 0.030, 0.001])
    assert run.late == [0, 0, 0]


def test_what_was_sent_late_is_counted_from_when_it_was_due():
    run = make_run(3, make_answer(1, late_ms=5))
    assert run.took == pytest.approx([0.001, 0.006, 0.001])
    assert run.late == pytest.approx([0, 0.005, 0])


def test_a_first_request_that_was_late_makes_the_others_none_the_earlier():
    run = make_run(3, make_answer(0, late_ms=5))
    assert run.took == pytest.approx([0.006, 0.001, 0.001])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (make_answer(1, status=503, told="busy"), "refused with 503"),
        (make_answer(1, status=429, told="busy"), "refused with 429"),
        (make_answer(1, status=500, told="oh"), "wrong with 500"),
        (make_answer(1, told="other"), "wrong with 200"),
        (make_answer(1, status=0, told="EOF"), "without an answer"),
    ],
)
def test_what_is_not_right_is_slower_than_all_and_told_by_kind(answer, kind):
    run = make_run(3, answer)
    assert run.took[1] == math.inf
    assert (run.others, run.example) == (Counter([kind]), answer.told)


def test_the_rate_that_was_answered_is_of_right_answers_until_the_last():
    steady = constant_rate.sum_up([make_run(), make_run()])
    assert steady.answered_per_second == pytest.approx(RATE, rel=0.01)
    behind = constant_rate.sum_up([make_run(100, make_answer(99, took_ms=1010))])
    assert behind.answered_per_second == pytest.approx(RATE / 2, rel=0.01)


def test_rounds_are_one_series():
    outcome = constant_rate.sum_up([make_run(100, make_answer(5, took_ms=40, late_ms=2)), make_run()])
    assert (outcome.count, outcome.p50, outcome.p99) == pytest.approx((200, 0.001, 0.001))
    assert (outcome.max, outcome.late) == pytest.approx((0.042, 0))


def test_the_last_of_a_thousand_is_told_only_of_many():
    assert constant_rate.sum_up([make_run(4999)]).p999 is None
    slow = [make_answer(place, took_ms=50) for place in range(6)]
    assert constant_rate.sum_up([make_run(5000, *slow)]).p999 == pytest.approx(0.050)


def test_where_nothing_is_right_nothing_is_ever_answered():
    outcome = constant_rate.sum_up([make_run(1, make_answer(0, status=0, told="EOF"))])
    assert (outcome.answered_per_second, outcome.p50, outcome.max) == (0, math.inf, math.inf)


def test_the_table_tells_times_refusals_and_what_cannot_be_told():
    refused = [make_answer(place, status=503, told="busy") for place in (1, 2)]
    opened = {Key("ours", Rate(RATE, 0.5)): [make_run(100, *refused)]}
    head, row = report.render_open_loop(["ours"], opened)[-2:]
    assert " ".join(head.split()) == "100/s, 50% p50 p99 p99.9 max sent late rate not right"
    assert " ".join(row.split()) == (
        "ours 1.00 ms never too few 1.00 ms 0.00 ms 97.9/s 2 refused with 503 of 100, such as: busy"
    )
