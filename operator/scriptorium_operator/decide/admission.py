"""What is answered to the API server before it stores an object. Pure."""

from pydantic import ValidationError

from scriptorium_api import schedule_problems
from scriptorium_api.cron_script import CronScriptSpec
from scriptorium_api.execution import MAX_REQUESTER, Requester, ScriptRef
from scriptorium_api.script import find_source_problem
from scriptorium_api.values import frozen
from scriptorium_operator.decide import verdicts
from scriptorium_operator.facts import SyntaxFault


@frozen
class Opinion:
    """What we think of a source: a refusal with its reason, a warning to put behind its field, or nothing."""

    refusal: str | None = None
    warning: str | None = None


FINE = Opinion()

UNKNOWN = Opinion(warning="could not be checked just now; the status will tell if it is wrong")


def is_worth_checking(source: str) -> bool:
    """Say whether the source is one that the schema lets in."""
    return find_source_problem(source) is None


def judge_source(fault: SyntaxFault | None) -> Opinion:
    """Give our opinion for what the syntax checker said."""
    return FINE if fault is None else Opinion(refusal=verdicts.judge_fault(fault).message)


@frozen
class Flaw:
    """What is wrong with one field, and the cure."""

    field: str
    message: str


def find_schedule_flaw(schedule: str, time_zone: str, jitter_seconds: int) -> Flaw | None:
    """Say what is wrong with a schedule; nothing where the schema says so, in words of its own."""
    try:
        spec = CronScriptSpec(
            schedule=schedule,
            time_zone=time_zone,
            jitter_seconds=jitter_seconds,
            # Whose schedule it is makes no difference.
            script_ref=ScriptRef(name="any"),
        )
    except ValidationError:
        return None
    problem = schedule_problems.find_problem(spec)
    if problem is None:
        return None
    field, _, message = problem.partition(": ")
    return Flaw(field, message)


def decide_requester(name: str, uid: str) -> Requester | None:
    """Give who is to be written down as having asked for a run; nobody if the field cannot hold them."""
    if not 1 <= len(name) <= MAX_REQUESTER or len(uid) > MAX_REQUESTER:
        return None
    return Requester(name=name, uid=uid or None)
