"""Requests that are due one by one, whatever became of those before: rates, and what they come to. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import figures
from bench.endpoints.vegeta import Answer

#: Of what the measured server answers to as many clients as usual: little to do, half, and near its most.
SHARES = (0.25, 0.5, 0.8)
#: So that a p99.9 is not made of one or two.
_BEYOND = 5
_ENOUGH = _BEYOND * 1000
_SECOND = 1e9
REFUSED = (429, 503)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many are asked for in a second, and which share of the peak that is."""

    per_second: int
    share: float


@dataclass(frozen=True, slots=True)
class Run:
    """What one load came to; times in seconds."""

    took: list[float]
    """Of every request, from the moment it was due; infinite without a right answer."""
    late: list[float]
    """By how much later than due each was sent: the generator's own part of that."""
    seconds: float
    """From one step before the first was due to the last right answer."""
    others: Counter[str]
    """What is not right, by kind."""
    example: str
    """What came in place of a right answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one server did at one rate, in all rounds."""

    count: int
    answered_per_second: float
    p50: float
    p99: float
    p999: float | None
    """None where there are too few requests to tell."""
    max: float
    """Of the right answers."""
    late: float
    """What 99 % of the requests were sent later than due at most."""
    others: Counter[str]
    example: str


def choose_rates(peak: float | None) -> list[Rate]:
    """Give the rates to ask at; none without a peak to take a share of."""
    return [Rate(max(1, round(peak * share)), share) for share in SHARES] if peak else []


def count_from_due(answers: Sequence[Answer], rate: int) -> Run:
    """Count each request from the moment it was due; by the one sent most in time, all are known."""
    step = int(_SECOND) // rate
    begun = min(answer.sent - answer.place * step for answer in answers)
    late = [answer.sent - answer.place * step - begun for answer in answers]
    ends = [answer.sent + answer.took for answer in answers if answer.is_right]
    pairs = zip(answers, late, strict=True)
    return Run(
        took=[(each + answer.took) / _SECOND if answer.is_right else math.inf for answer, each in pairs],
        late=[each / _SECOND for each in late],
        seconds=(max(ends, default=begun) - begun + step) / _SECOND,
        others=Counter(_name(answer) for answer in answers if not answer.is_right),
        example=next((answer.told for answer in answers if answer.told), ""),
    )


def _name(answer: Answer) -> str:
    if answer.status == 0:
        return "without an answer"
    return f"refused with {answer.status}" if answer.status in REFUSED else f"wrong with {answer.status}"


def sum_up(runs: Sequence[Run]) -> Outcome:
    """Give what all rounds come to, as one series: tails are of few requests as it is."""
    took = sorted(_join(run.took for run in runs))
    answered = [each for each in took if each < math.inf]
    return Outcome(
        count=len(took),
        answered_per_second=len(answered) / (sum(run.seconds for run in runs) or 1),
        p50=figures.percentile(took, 50),
        p99=figures.percentile(took, 99),
        p999=figures.percentile(took, 99.9) if len(took) >= _ENOUGH else None,
        max=answered[-1] if answered else math.inf,
        late=figures.percentile(sorted(_join(run.late for run in runs)), 99),
        others=sum((run.others for run in runs), Counter()),
        example=next((run.example for run in runs if run.example), ""),
    )


def _join(series: Iterable[list[float]]) -> list[float]:
    return [each for one in series for each in one]
