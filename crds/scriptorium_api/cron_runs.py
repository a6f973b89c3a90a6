"""What a CronScript's runs take over from it. Pure."""

from datetime import datetime, timedelta
from typing import Any

from scriptorium_api import names, owners, slot_verdicts
from scriptorium_api.cron_script import CronScript, Executor
from scriptorium_api.execution import ExecutionSpec, FiredBy, Isolation, ScriptExecution, ScriptRef
from scriptorium_api.values import frozen


def find_script_name(cron_script: CronScript) -> str:
    """Give the name of the Script that a CronScript runs, be it its own."""
    reference = cron_script.spec.script_ref
    return reference.name if reference else names.inline_script_name(cron_script.metadata.name)


#: A pod may take so long to begin, for its image or a new node, before its slot counts as one of an outage.
SLOW_POD = timedelta(seconds=120)


@frozen
class Firer:
    """The Job that fires a slot, or that was started by hand."""

    name: str
    uid: str


def build_run(cron_script: CronScript, slot: datetime | None, firer: Firer | None) -> dict[str, Any]:
    """Give the manifest of the run of a slot; without a slot, of a Job that was started by hand.

    It is named for what fired it, so that there is one at most, and goes with its CronScript.
    """
    metadata = cron_script.metadata
    return {
        "apiVersion": names.API_VERSION,
        "kind": "ScriptExecution",
        "metadata": {
            "name": _name_run(metadata.name, slot, firer),
            "namespace": metadata.namespace,
            "labels": names.cron_run_labels(metadata.name),
            "ownerReferences": [owners.build_owner("CronScript", metadata)],
        },
        "spec": build_run_spec(cron_script, slot, firer.name if firer else None).to_wire(),
    }


def _name_run(cron_script: str, slot: datetime | None, firer: Firer | None) -> str:
    if slot is not None:
        return names.slot_run_name(cron_script, slot)
    return names.hand_run_name(cron_script, firer.uid if firer else "")


def is_run_of(execution: ScriptExecution, cron_script: CronScript) -> bool:
    """Say whether a CronScript made a run: this very one, not a former one of its name."""
    fired_by, uid = execution.spec.fired_by, cron_script.metadata.uid
    is_named = fired_by is not None and fired_by.cron_script == cron_script.metadata.name
    return is_named and any(owner.uid == uid for owner in execution.metadata.owner_references)


def build_run_spec(cron_script: CronScript, slot: datetime | None, job: str | None = None) -> ExecutionSpec:
    """Give the spec of the run of a slot; without a slot, of one that is started by hand, by its CronJob.

    The run has all that it needs by itself, so that an edited CronScript does not change what its runs were.
    """
    spec = cron_script.spec
    return ExecutionSpec(
        script_ref=ScriptRef(name=find_script_name(cron_script)),
        input=spec.input,
        timeout_seconds=spec.timeout_seconds,
        retry=spec.retry,
        isolation=Isolation.POD if spec.executor is Executor.JOB else Isolation.POOL,
        fired_by=FiredBy(cron_script=cron_script.metadata.name, scheduled_time=slot, job=job),
    )


def find_start(cron_script: CronScript, slot: datetime) -> datetime:
    """Give when a slot of a CronScript is to start: at its time, or by its jitter some seconds after it."""
    return slot_verdicts.find_start(slot, cron_script.spec.jitter_seconds, cron_script.metadata.uid)


def is_late(
    cron_script: CronScript, slot: datetime | None, created: datetime | None, *, is_by_pod: bool
) -> bool:
    """Say whether a run was made for a slot that an outage had held up, not only its jitter or its pod."""
    if slot is None or created is None:
        return False
    start = find_start(cron_script, slot)
    slow = SLOW_POD if is_by_pod else timedelta()
    return created - start > slot_verdicts.ON_TIME + slow


def take_over(execution: ScriptExecution, cron_script: CronScript) -> ScriptExecution:
    """Give a run that names a CronScript with the schedule's Script, input and limits."""
    spec = execution.spec.model_copy(
        update={
            "script_ref": ScriptRef(name=find_script_name(cron_script)),
            "input": cron_script.spec.input,
            "timeout_seconds": cron_script.spec.timeout_seconds,
            "retry": cron_script.spec.retry,
        }
    )
    return execution.model_copy(update={"spec": spec})
