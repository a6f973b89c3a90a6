"""What a CronScript's runs take over from it. Pure."""

from datetime import datetime

from scriptorium_api import names
from scriptorium_api.cron_script import CronScript, Executor
from scriptorium_api.execution import ExecutionSpec, FiredBy, Isolation, ScriptExecution, ScriptRef


def find_script_name(cron_script: CronScript) -> str:
    """Give the name of the Script that a CronScript runs, be it its own."""
    reference = cron_script.spec.script_ref
    return reference.name if reference else names.inline_script_name(cron_script.metadata.name)


def build_run_spec(cron_script: CronScript, slot: datetime | None) -> ExecutionSpec:
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
        fired_by=FiredBy(cron_script=cron_script.metadata.name, scheduled_time=slot),
    )


def take_over(execution: ScriptExecution, cron_script: CronScript) -> ScriptExecution:
    """Give a run that names a CronScript as if it named its Script, with the schedule's input and limits."""
    spec = execution.spec.model_copy(
        update={
            "cron_script_ref": None,
            "script_ref": ScriptRef(name=find_script_name(cron_script)),
            "input": cron_script.spec.input,
            "timeout_seconds": cron_script.spec.timeout_seconds,
            "retry": cron_script.spec.retry,
        }
    )
    return execution.model_copy(update={"spec": spec})
