"""From what was seen to whether it is well, and if not, to a sentence that says why: pure."""

from collections.abc import Iterable

from scriptorium_api.conditions import Condition
from scriptorium_api.reasons import Phase
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_client.selftest.scene import Scene

_OPERATOR = "Deployment scriptorium-operator"


def is_over(scene: Scene) -> bool:
    """Say whether waiting longer changes nothing: all is well, or the run ended otherwise than it should."""
    if scene.run is None or not scene.run.status.phase.is_terminal:
        return False
    return not explain(scene) or scene.run.status.phase is not Phase.SUCCEEDED


def explain(scene: Scene) -> str:
    """Give why the run did not succeed, or the Script was not judged; empty if all is well."""
    return _explain_run(scene) or _explain_script(scene) or _explain_operator(scene) or _explain_wait(scene)


def _explain_script(scene: Scene) -> str:
    if scene.script is None:
        return "its Script is gone: somebody deleted it"
    ready = _find_ready(scene.script.status.conditions)
    if ready is None or ready.status == "True":
        return ""
    return f"its Script is not ready: {ready.reason}: {ready.message}"


def _explain_run(scene: Scene) -> str:
    if scene.run is None:
        return "its ScriptExecution is gone: somebody deleted it"
    status = scene.run.status
    if not status.phase.is_terminal or status.phase is Phase.SUCCEEDED:
        return ""
    return f"its run ended as {status.phase}, {status.reason}: {status.message or status.reason.meaning}"


def _explain_operator(scene: Scene) -> str:
    if scene.script is None or _find_ready(scene.script.status.conditions):
        return ""
    if scene.operator is None:
        return f"there is no {_OPERATOR}"
    if scene.operator.wanted == 0:
        return f"the operator is stopped: {_OPERATOR} asks for 0 replicas"
    if scene.operator.ready == 0:
        trouble = f": {scene.operator.trouble}" if scene.operator.trouble else ""
        return f"none of the operator's {scene.operator.wanted} replicas is ready{trouble}"
    return "the operator is ready and has not looked at the Script: its log says why"


def _explain_wait(scene: Scene) -> str:
    run = scene.run
    if run is None or run.status.phase is Phase.SUCCEEDED:
        return ""
    waits = f"its run is {run.status.phase}, {run.status.reason}"
    if scene.pool is None:
        return f"{waits}, and the operator made no RunnerPool: its log says why"
    return f"{waits}, and {_describe_pool(scene.pool)}"


def _describe_pool(pool: RunnerPool) -> str:
    ready = _find_ready(pool.status.conditions)
    if ready is None:
        return "the operator has not looked at the RunnerPool"
    if ready.status == "True":
        return "the runners are ready: their logs say why they do not take it"
    return f"the runners are not ready: {ready.reason}: {ready.message}"


def _find_ready(conditions: Iterable[Condition]) -> Condition | None:
    return next((condition for condition in conditions if condition.type == "Ready"), None)
