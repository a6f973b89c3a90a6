"""What a CronScript's status says."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from scriptorium_api.conditions import Finding, merge_conditions
from scriptorium_api.cron_script import CronScript, CronScriptStatus, LastExecution
from scriptorium_api.reasons import Phase
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_operator.cron_facts import CronRun
from scriptorium_operator.facts import READY, SCRIPT_FOUND, SUSPENDED, Problem

#: A condition's message quotes what others say, and they may say much.
_MOST_QUOTED = 2048


@frozen(kw_only=True)
class Scene:
    """What was found of a schedule's surroundings."""

    accounted: CronScriptStatus
    """The status, with all slots in it that were judged by now."""
    script_name: str
    script: Script | None
    runs: Sequence[CronRun]
    next_slot: datetime | None
    """In the schedule's time zone, also while it is suspended."""
    problem: Problem | None = None
    """What keeps slots from being run, beside the Script and suspension."""


def build_cron_status(cron_script: CronScript, scene: Scene, now: datetime) -> CronScriptStatus:
    """Give the status; what runs told that are gone by now stays."""
    former, generation = scene.accounted, cron_script.metadata.generation
    ends = (run.completed for run in scene.runs if run.phase is Phase.SUCCEEDED)
    changes = {
        "observed_generation": generation,
        "last_schedule_time": _find_latest((run.slot for run in scene.runs), former.last_schedule_time),
        "last_successful_time": _find_latest(ends, former.last_successful_time),
        "next_schedule_time": None if cron_script.spec.suspend else scene.next_slot,
        "active": sum(run.is_unfinished for run in scene.runs),
        "last_execution": _find_last_execution(scene.runs) or former.last_execution,
        "conditions": merge_conditions(
            former.conditions, _list_findings(cron_script, scene), generation, now
        ),
    }
    return former.model_copy(update=changes)


def _find_latest(moments: Iterable[datetime | None], former: datetime | None) -> datetime | None:
    return max((moment for moment in (*moments, former) if moment is not None), default=None)


def _find_last_execution(runs: Sequence[CronRun]) -> LastExecution | None:
    run = max(runs, key=lambda each: (each.created, each.slot or each.created, each.uid), default=None)
    if run is None or run.phase is None or run.reason is None:
        return None
    return LastExecution(
        name=run.name,
        phase=run.phase,
        reason=run.reason,
        scheduled_time=run.slot,
        completion_time=run.completed,
    )


def _list_findings(cron_script: CronScript, scene: Scene) -> list[Finding]:
    found, suspended = _find_script(cron_script, scene), _find_suspension(cron_script)
    return [_find_readiness(scene, found, suspended), suspended, found]


def _find_suspension(cron_script: CronScript) -> Finding:
    if cron_script.spec.suspend:
        message = "Slots are skipped while spec.suspend is true."
        return Finding(type=SUSPENDED, is_true=True, reason=SUSPENDED, message=message)
    return Finding(type=SUSPENDED, is_true=False, reason="Scheduled", message="Slots are run.")


def _find_script(cron_script: CronScript, scene: Scene) -> Finding:
    name = scene.script_name
    if scene.script is not None:
        message = f"Script {name} is there."
        return Finding(type=SCRIPT_FOUND, is_true=True, reason=SCRIPT_FOUND, message=message)
    cure = "the operator makes it" if cron_script.spec.script else "create it, or change spec.scriptRef.name"
    return Finding(
        type=SCRIPT_FOUND,
        is_true=False,
        reason="ScriptNotFound",
        message=f"Script {name} does not exist in this namespace: {cure}.",
    )


def _find_readiness(scene: Scene, found: Finding, suspended: Finding) -> Finding:
    if scene.problem:
        return _not_ready(scene.problem.reason, scene.problem.message)
    if not found.is_true:
        return _not_ready(found.reason, found.message)
    if suspended.is_true:
        return _not_ready(suspended.reason, suspended.message)
    if problem := _find_script_problem(scene.script):
        return _not_ready("ScriptNotReady", f"Script {scene.script_name}: {problem}")
    return Finding(type=READY, is_true=True, reason=READY, message="The next slot will be run.")


def _find_script_problem(script: Script | None) -> str:
    """Say why runs of the Script cannot start; nothing where nobody has judged it yet."""
    conditions = script.status.conditions if script else []
    ready = next((each for each in conditions if each.type == READY), None)
    return ready.message if ready and ready.status == "False" else ""


def _not_ready(reason: str, message: str) -> Finding:
    return Finding(type=READY, is_true=False, reason=reason, message=message[:_MOST_QUOTED])
