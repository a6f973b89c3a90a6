"""What to do with a run that has not started: start it, wait, or end it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime

from scriptorium_api import ending, time_limits
from scriptorium_api.execution import MAX_INPUT_BYTES, Isolation, ScriptExecution
from scriptorium_api.permissions import Permissions
from scriptorium_api.reasons import Reason
from scriptorium_api.script import Limits, Script
from scriptorium_api.values import frozen
from scriptorium_runner.engine import Lane

#: Below what any part of the runner cuts off, so that nothing runs with a part of its input.
DEEPEST_INPUT = 150


@frozen
class Source:
    """JavaScript that was found, or what is missing and how to mend it."""

    text: str | None
    problem: str = ""


@frozen
class Values:
    """What the names of `env` stand for, or what is missing and how to mend it; values are never shown."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str = ""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Those values that come from Secrets."""


@frozen(kw_only=True)
class Start:
    """The run can start now, with this."""

    source: str
    entrypoint: str | None
    limits: Limits
    owner: str
    """Whose code it is: the Script's UID, or the run's own for inline source."""
    timeout_seconds: float
    share: str = ""
    """In whose share of the slots it counts, as find_share says."""
    lane: Lane = Lane.QUEUED
    """In which lane it takes its turn: HTTP where somebody waits for the answer."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the script sees as env; never shown, since much of it is secret."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Those of these values that are taken out of all that the run leaves behind."""
    namespace: str = ""
    script: str = ""
    """The Script's name; empty for inline source."""
    permissions: Permissions = field(default_factory=Permissions)
    """What it may reach: the Script's own, never its caller's."""


@frozen
class Wait:
    """The run cannot start yet, for a reason that somebody can mend."""

    reason: Reason
    message: str
    script: str
    """The Script whose change may mend it."""


@frozen
class End:
    """The run is over without having started."""

    reason: Reason
    message: str
    duplicate_of: str | None = None


@frozen
class NotYet:
    """The run's next attempt is not due yet."""

    seconds: float


Decision = Start | Wait | End | NotYet

_NOTHING = Values()

#: What a run is told where nothing is started.
SWITCHED_OFF = "scripts are switched off on this runner (SCRIPTS_ENABLED; runner.scriptsEnabled of the chart)"

#: What a run is told that could start but for that; the runner that may start it takes it back.
HELD_BACK = f"{SWITCHED_OFF}; the run waits until they are switched on"


def find_share(execution: ScriptExecution) -> str:
    """Say in whose share of the slots a run counts: its Script's; all runs with a source of their own share
    one."""
    reference = execution.spec.script_ref
    return reference.name if reference is not None else ""


def decide_start(
    execution: ScriptExecution,
    script: Script | None,
    source: Source,
    now: datetime,
    values: Values = _NOTHING,
) -> Decision:
    """Say what to do with a run that has not started, given its Script, source and values as they are now."""
    if execution.is_cancelled:
        return End(Reason.CANCELLED, _explain_cancel(execution))
    due = execution.status.next_attempt_time
    if due is not None and now < due:
        return NotYet((due - now).total_seconds())
    waiting = _find_obstacle(execution, script, source) or _find_missing_value(execution, values)
    if now >= time_limits.find_start_deadline(execution):
        return _miss_deadline(execution, waiting)
    if waiting is not None:
        return waiting
    if problem := find_input_problem(execution):
        return End(Reason.INPUT_INVALID, problem)
    return replace(_start(execution, script, source.text or ""), env=values.env, secrets=values.secrets)


def hold_back(execution: ScriptExecution, decision: Decision) -> Decision:
    """Say what becomes of a run, by this decision, on a runner whose scripts are switched off."""
    match decision:
        case Start():
            reason = Reason.RETRYING if execution.status.attempts else Reason.QUEUED
            return Wait(reason, HELD_BACK, decision.script)
        case End(reason=Reason.START_DEADLINE_EXCEEDED):
            seconds = execution.spec.start_deadline_seconds
            return replace(decision, message=f"{SWITCHED_OFF}: not started within {seconds} s")
    return decision


def _explain_cancel(execution: ScriptExecution) -> str:
    done = execution.status.attempt
    when = f"after attempt {done}" if done else "before the run started"
    return f"{ending.explain_cancel(execution)} ({when})"


def find_input_problem(execution: ScriptExecution) -> str | None:
    """Say what is wrong with the input, if anything."""
    value = execution.spec.input
    return find_value_problem(value, "spec.input") if value is not None else None


def find_value_problem(value: Mapping[str, object], what: str) -> str | None:
    """Say what keeps a value from being an input, and the cure; None if nothing does."""
    return find_depth_problem(value, what) or find_size_problem(value, what)


def find_depth_problem(value: Mapping[str, object], what: str) -> str | None:
    """Say whether a value is nested too deeply for an input, and the cure."""
    return f"{what} is nested deeper than {DEEPEST_INPUT} levels; flatten it" if _is_deep(value) else None


def find_size_problem(value: Mapping[str, object], what: str) -> str | None:
    """Say whether a value is too large for an input, and the cure."""
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size <= MAX_INPUT_BYTES:
        return None
    return (
        f"{what} is {size} bytes of JSON, at most {MAX_INPUT_BYTES} are allowed; "
        "store the data elsewhere and pass a reference to it"
    )


def _is_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(DEEPEST_INPUT):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
    return any(isinstance(each, dict | list) for each in level)


def _find_obstacle(execution: ScriptExecution, script: Script | None, source: Source) -> Wait | None:
    reference = execution.spec.script_ref
    if reference is None:
        return _find_schedules_obstacle(execution)
    if script is None:
        message = (
            f'Script "{reference.name}" does not exist in this namespace; apply it, or correct spec.scriptRef'
        )
        return Wait(Reason.SCRIPT_NOT_FOUND, message, reference.name)
    if script.spec.suspend:
        message = f'Script "{reference.name}" is suspended; set its spec.suspend to false to let runs start'
        return Wait(Reason.SCRIPT_SUSPENDED, message, reference.name)
    if source.text is None:
        return Wait(Reason.SCRIPT_NOT_FOUND, source.problem, reference.name)
    return None


def _find_schedules_obstacle(execution: ScriptExecution) -> Wait | None:
    """Keep a run from starting that has taken nothing over from its CronScript, and so has nothing to run."""
    reference = execution.spec.cron_script_ref
    if reference is None:
        return None
    cure = "apply it, or correct spec.cronScriptRef"
    message = f'CronScript "{reference.name}" does not exist in this namespace; {cure}'
    return Wait(Reason.SCRIPT_NOT_FOUND, message, name_schedule(reference.name))


def name_schedule(cron_script: str) -> str:
    """Give what a run waits for whose CronScript is not there, where others wait for a Script."""
    return f"cronscripts/{cron_script}"


def _find_missing_value(execution: ScriptExecution, values: Values) -> Wait | None:
    reference = execution.spec.script_ref
    if reference is None or not values.problem:
        return None
    return Wait(Reason.SECRETS_PENDING, values.problem, reference.name)


def _miss_deadline(execution: ScriptExecution, waiting: Wait | None) -> End:
    seconds = execution.spec.start_deadline_seconds
    if waiting is not None:
        return End(waiting.reason, f"{waiting.message} (gave up after startDeadlineSeconds, {seconds} s)")
    return End(Reason.START_DEADLINE_EXCEEDED, _explain_deadline(execution.spec.isolation, seconds))


def _explain_deadline(isolation: Isolation, seconds: int) -> str:
    if isolation is Isolation.POD:
        return (
            f"its pod did not start within startDeadlineSeconds ({seconds} s); "
            "raise it, or see whether the operator runs"
        )
    return (
        f"no runner had room within startDeadlineSeconds ({seconds} s); "
        "raise it, or the replicas of RunnerPool default"
    )


def _start(execution: ScriptExecution, script: Script | None, source: str) -> Start:
    spec = execution.spec
    if script is None:
        limits, entrypoint, owner = spec.limits or Limits(), spec.entrypoint, execution.metadata.uid
    else:
        limits, entrypoint, owner = script.spec.limits, script.spec.entrypoint, script.metadata.uid
    return Start(
        source=source,
        entrypoint=entrypoint,
        limits=limits,
        owner=owner,
        share=find_share(execution),
        timeout_seconds=time_limits.find_timeout(execution, limits),
        namespace=execution.metadata.namespace,
        script=script.metadata.name if script else "",
        permissions=script.spec.permissions if script else Permissions(),
    )
