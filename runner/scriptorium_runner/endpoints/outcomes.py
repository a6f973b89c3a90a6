"""From a script's result to an answer. Pure."""

from typing import Any

from scriptorium_api.reasons import Reason
from scriptorium_runner.endpoints import admitting
from scriptorium_runner.endpoints.calls import Answer, Problem
from scriptorium_runner.engine import Result

_TIMEOUT = Problem(504, "Gateway Timeout", "the script took longer than it may")
_ERROR = Problem(500, "Internal Server Error")
_MOST_LINES = 100


def read_result(result: Result, *, is_debug: bool) -> Answer | Problem:
    """Give the script's answer, or why there is none; its error and its lines are told for `debug` alone."""
    if result.reason is Reason.COMPLETED and result.response is not None:
        response = result.response
        return Answer(response.status, response.headers, response.body)
    problem = _find_problem(result.reason)
    if not is_debug:
        return problem
    return Problem(problem.status, problem.title, problem.detail, problem.headers, _describe(result))


def _find_problem(reason: Reason) -> Problem:
    match reason:
        case Reason.TIMEOUT:
            return _TIMEOUT
        case Reason.MEMORY_PRESSURE:
            return admitting.refuse_unavailable("memory", "the runner has no memory left for this").problem
        case Reason.CANCELLED:
            return admitting.refuse_unavailable("stopping", "the runner stops").problem
    return _ERROR


def _describe(result: Result) -> dict[str, Any]:
    """Give what its author wants to know of a request that failed."""
    lines = [
        {"level": line.level, "message": line.message} | ({"data": line.data} if line.data else {})
        for line in result.logs[-_MOST_LINES:]
    ]
    found: dict[str, Any] = {"reason": str(result.reason), "logs": lines}
    if result.error is not None:
        error = result.error
        place = {"line": error.line, "column": error.column} if error.line else {}
        found["error"] = {"name": error.name, "message": error.message, "stack": error.stack} | place
    return found
