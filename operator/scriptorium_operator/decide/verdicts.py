"""Whether a source is JavaScript, and whether that has to be asked at all."""

from scriptorium_api import names
from scriptorium_api.conditions import Condition, Finding
from scriptorium_api.script import Script, ScriptStatus
from scriptorium_operator.decide.sources import SourceProblem
from scriptorium_operator.facts import COMPILED, READY, SyntaxFault

_SYNTAX_ERROR = "SyntaxError"


def judge_fault(fault: SyntaxFault | None) -> Finding:
    """Give the Compiled finding for what the syntax checker said."""
    if fault is None:
        return Finding(type=COMPILED, is_true=True, reason=COMPILED, message="The source is JavaScript.")
    place = f" at {fault.line}:{fault.column or 1}" if fault.line else ""
    return Finding(
        type=COMPILED,
        is_true=False,
        reason=_SYNTAX_ERROR,
        # The message quotes what the engine says, which may quote a long line of the source.
        message=f"SyntaxError: {fault.message[:2048]}{place}",
    )


def judge_problem(problem: SourceProblem) -> Finding:
    """Give the Compiled finding for a source that is not there."""
    return Finding(type=COMPILED, is_true=False, reason=problem.reason, message=problem.message)


def judge_failure(failure: str) -> Finding:
    """Give the Compiled finding for a source that could not be checked; it will be tried again."""
    message = f"The source could not be checked yet, and will be again: {failure[:2048]}"
    return Finding(type=COMPILED, is_true=False, reason="CheckFailed", message=message)


def recall_verdict(status: ScriptStatus, source_hash: str) -> Finding | None:
    """Give the Compiled finding that the status holds for this very source, if it does."""
    known = _find(status, COMPILED)
    if known is None or status.source_hash != source_hash or known.reason not in (COMPILED, _SYNTAX_ERROR):
        return None
    return Finding(type=COMPILED, is_true=known.status == "True", reason=known.reason, message=known.message)


def needs_attention(script: Script) -> bool:
    """Say whether the status may not be what the spec asks for; a ConfigMap's content is not known here."""
    status, source = script.status, script.spec.source
    if source is None or status.observed_generation != script.metadata.generation:
        return True
    is_known = recall_verdict(status, names.source_hash(source)) is not None
    return not (is_known and _find(status, READY))


def _find(status: ScriptStatus, kind: str) -> Condition | None:
    return next((condition for condition in status.conditions if condition.type == kind), None)
