"""What a run's pod is there for: an attempt of one run, or a schedule's slot."""

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING

from scriptorium_api.execution import ScriptExecution
from scriptorium_client import Client
from scriptorium_runner import engine, logs
from scriptorium_runner.engine.workers.zygote_start import Begun
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.own_pod.one_run import Known, OneRun, Pod
from scriptorium_runner.own_pod.way_out import LateWayOut
from scriptorium_runner.settings import AttemptWork, RunSettings, SlotWork
from scriptorium_runner.sources.one_run import Target

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript
    from scriptorium_runner.own_pod.one_slot import FollowRun, OneSlot


async def do_work(settings: RunSettings, client: Client, begun: Begun | None = None) -> int:
    """Do what the pod is there for; gives 0 if it succeeded or was not there to be done, else 1.

    `begun` is the sandbox's zygote, if it was begun before. Raises EngineStartFailed.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    sandbox = engine.Engine(
        engine.EngineSettings(pool_size=1, seal=settings.seal), engine.find_container_memory()
    )
    # Its processes start beside the first requests: what they are is found out, and made, meanwhile.
    starting = asyncio.create_task(sandbox.start(begun))
    try:
        async with LateWayOut(settings.http) as way_out:
            pod = _build_pod(settings, client, EngineSandbox(sandbox, settings.ceilings, way_out))
            return await _work(settings, pod, starting, stopping)
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await sandbox.shutdown()


def _build_pod(settings: RunSettings, client: Client, sandbox: EngineSandbox) -> Pod:
    place = Place(
        holder=settings.holder,
        tenant=settings.tenant,
        slots=1,
        is_enabled=settings.is_enabled,
    )
    return Pod(client, sandbox, place, settings.drain_seconds, logs.write_script_logs)


async def _work(
    settings: RunSettings, pod: Pod, starting: asyncio.Task[None], stopping: asyncio.Event
) -> int:
    """Do what there is to do, and take no run before its sandbox has started."""
    work = settings.work
    if isinstance(work, AttemptWork):
        await starting
        target = Target(settings.namespace, work.execution, work.uid)
        return await OneRun(pod, target, work.attempt).follow(stopping)

    async def follow_run(run: ScriptExecution, cron_script: "CronScript", stopping: asyncio.Event) -> int:
        await starting
        target = Target(settings.namespace, run.metadata.name, run.metadata.uid)
        return await OneRun(pod, target, known=Known(run, cron_script)).follow(stopping)

    return await _build_slot(pod.client, settings.namespace, work, follow_run).follow(stopping)


def _build_slot(client: Client, namespace: str, work: SlotWork, follow_run: "FollowRun") -> "OneSlot":
    # An attempt is of no schedule, and waits for what its pod imports.
    from scriptorium_runner.own_pod.one_slot import Means, OneSlot  # noqa: PLC0415
    from scriptorium_runner.sources import slot_job  # noqa: PLC0415
    from scriptorium_runner.sources.calendar import ClusterCalendar  # noqa: PLC0415

    means = Means(partial(slot_job.find_slot_job, client, namespace), follow_run)
    return OneSlot(ClusterCalendar(client, namespace), means, work)
