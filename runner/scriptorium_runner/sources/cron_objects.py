"""What an API server and the operator would make of CronScripts that stand in files. Pure."""

import uuid
from datetime import datetime

from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.execution import ScriptExecution
from scriptorium_runner.schedules import decide


def place(cron_script: CronScript, namespace: str) -> CronScript:
    """Give a CronScript with a namespace: its own, or else this one."""
    metadata = cron_script.metadata
    update = {"namespace": metadata.namespace or namespace}
    return cron_script.model_copy(update={"metadata": metadata.model_copy(update=update)})


def carry_over(manifest: CronScript, former: CronScript | None, now: datetime) -> CronScript:
    """Give a CronScript as it is stored when its file was read, `former` being what was stored before.

    Slots count from the moment at which the schedule was seen first, or as what it is now.
    """
    if former is None:
        return manifest.model_copy(
            update={
                "metadata": manifest.metadata.model_copy(
                    update={
                        # The same in the next session, so that jitter is.
                        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, _path_of(manifest))),
                        "resource_version": "1",
                        "generation": 1,
                        "creation_timestamp": now,
                    }
                ),
                "status": CronScriptStatus(accounted_until=now),
            }
        )
    if former.spec == manifest.spec:
        return former
    status = former.status
    if not decide.has_same_terms(former.spec, manifest.spec):
        status = status.model_copy(update={"accounted_until": now})
    generation = {"generation": former.metadata.generation + 1}
    changed = former.model_copy(
        update={"spec": manifest.spec, "metadata": former.metadata.model_copy(update=generation)}
    )
    return write_status(changed, status)


def write_status(cron_script: CronScript, status: CronScriptStatus) -> CronScript:
    """Give a CronScript as it is stored with this status."""
    version = {"resource_version": str(int(cron_script.metadata.resource_version) + 1)}
    return cron_script.model_copy(
        update={"metadata": cron_script.metadata.model_copy(update=version), "status": status}
    )


def is_accounted(run: ScriptExecution, cron_script: CronScript) -> bool:
    """Say whether the run's slot is counted in the CronScript's status, so that nobody asks for it again."""
    slot, until = decide.find_slot(run), cron_script.status.accounted_until
    return slot is None or until is None or slot <= until


def _path_of(cron_script: CronScript) -> str:
    return f"cronscripts/{cron_script.metadata.namespace}/{cron_script.metadata.name}"
