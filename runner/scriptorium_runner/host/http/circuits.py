"""A host that does not answer is left alone for a while. Pure: the clock is passed in.

closed     requests go through; after FAILURES in a row without an answer it opens
open       nothing goes through for PAUSE_SECONDS
half open  one request goes through: its answer closes the circuit, its failure opens it again
"""

from dataclasses import replace
from enum import StrEnum

from scriptorium_api.values import frozen

FAILURES = 5
PAUSE_SECONDS = 30.0


class Phase(StrEnum):
    """What a circuit lets through at a moment."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


@frozen(kw_only=True)
class Circuit:
    """What is remembered of one host."""

    failures: int = 0
    opened_at: float | None = None
    trial_at: float | None = None
    """When the one request went out that is to show whether the host is back."""


def decide_phase(circuit: Circuit, now: float) -> Phase:
    """Say what may go through; a trial that nobody heard of again does not keep the circuit shut for ever."""
    if circuit.opened_at is None:
        return Phase.CLOSED
    since = circuit.opened_at if circuit.trial_at is None else circuit.trial_at
    return Phase.OPEN if now < since + PAUSE_SECONDS else Phase.HALF_OPEN


def seconds_left(circuit: Circuit, now: float) -> float:
    """Give how long an open circuit stays so."""
    since = circuit.opened_at if circuit.trial_at is None else circuit.trial_at
    return 0.0 if since is None else max(0.0, since + PAUSE_SECONDS - now)


def note_start(circuit: Circuit, now: float) -> Circuit:
    """Take down that a request goes out; where the circuit is half open it is the trial."""
    if decide_phase(circuit, now) is Phase.HALF_OPEN:
        return replace(circuit, trial_at=now)
    return circuit


def note_answer() -> Circuit:
    """Take down that the host answered, whatever it said."""
    return Circuit()


def note_failure(circuit: Circuit, now: float) -> Circuit:
    """Take down that no answer came."""
    failures = circuit.failures + 1
    if circuit.opened_at is not None or failures >= FAILURES:
        return Circuit(failures=failures, opened_at=now)
    return replace(circuit, failures=failures)


def note_nothing(circuit: Circuit) -> Circuit:
    """Take down that a request ended without telling anything of the host; a trial may be tried again."""
    return replace(circuit, trial_at=None)
