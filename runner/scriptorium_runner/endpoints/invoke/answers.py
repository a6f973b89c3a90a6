"""What a caller from inside the cluster is told of a run. Pure."""

import json
from datetime import datetime

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Reason
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.calls import Answer, Problem
from scriptorium_runner.endpoints.invoke import problems
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.status import Times

#: Those fields of a run's status that speak of the run and not of its object.
_TOLD = frozenset(
    {
        "phase",
        "reason",
        "message",
        "output",
        "error",
        "logs",
        "logsTruncated",
        "logsDropped",
        "startTime",
        "completionTime",
        "durationMs",
        "startLatencyMs",
        "usage",
        "sourceHash",
        "scriptVersion",
    }
)


@frozen
class Timing:
    """When a run was asked for and when it was over, and how long it was with the sandbox."""

    asked: datetime
    now: datetime
    seconds: float


def find_problem(claimed: ScriptExecution, outcome: Outcome) -> Problem | None:
    """Say why there was no run to tell of, though one was begun."""
    if outcome.reason is Reason.SYNTAX_ERROR:
        return problems.no_javascript(claimed.metadata.name, outcome.message, outcome.error)
    if outcome.reason is Reason.RUNNER_SHUTDOWN and outcome.started_at is None:
        return problems.unavailable("the runner stops; another one answers", problems.SOON)
    return None


def render_run(claimed: ScriptExecution, outcome: Outcome, timing: Timing) -> Answer:
    """Write what came of a run, in the words of a ScriptExecution's status; however it ended, that is 200."""
    settled = statuses.build_settled(claimed, outcome, Times(timing.asked, timing.now))
    told = {name: value for name, value in settled.to_wire().items() if name in _TOLD}
    body = json.dumps(told | {"requestId": claimed.metadata.uid}, ensure_ascii=False)
    headers = (
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("Server-Timing", _render_timing(outcome, timing)),
    )
    # A string of JavaScript may have half of a surrogate pair in it.
    return Answer(200, headers, body.encode(errors="replace") + b"\n")


def _render_timing(outcome: Outcome, timing: Timing) -> str:
    ran = outcome.duration_ms or 0.0
    waited = max(0.0, timing.seconds * 1000 - ran)
    return f"queue;dur={waited:.1f}, run;dur={ran:.1f}"
