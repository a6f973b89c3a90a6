"""What a pod runs a script with: its sandbox, the way out, and who it claims runs as."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from scriptorium_api.execution import ScriptExecution
from scriptorium_client import Client
from scriptorium_runner import engine, logs
from scriptorium_runner.engine.workers.zygote_start import Begun
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.own_pod.one_run import Known, OneRun, Pod
from scriptorium_runner.own_pod.way_out import LateWayOut
from scriptorium_runner.settings import AttemptWork, RunSettings
from scriptorium_runner.sources.one_run import Target

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript


@asynccontextmanager
async def open_pod(settings: RunSettings, client: Client, begun: Begun | None) -> AsyncIterator[Pod]:
    """Start the sandbox, and end it; raises EngineStartFailed."""
    sandbox = engine.Engine(
        engine.EngineSettings(pool_size=1, seal=settings.seal), engine.find_container_memory()
    )
    try:
        await sandbox.start(begun)
        async with LateWayOut(settings.http) as way_out:
            yield _build_pod(settings, client, EngineSandbox(sandbox, settings.ceilings, way_out))
    finally:
        await sandbox.shutdown()


def _build_pod(settings: RunSettings, client: Client, sandbox: EngineSandbox) -> Pod:
    place = Place(
        holder=settings.holder,
        tenant=settings.tenant,
        slots=1,
        is_enabled=settings.is_enabled,
    )
    return Pod(client, sandbox, place, settings.drain_seconds, logs.write_script_logs)


async def follow_attempt(pod: Pod, namespace: str, work: AttemptWork, stopping: asyncio.Event) -> int:
    """See one attempt of a run to its end, or until told to stop; gives the exit code."""
    target = Target(namespace, work.execution, work.uid)
    return await OneRun(pod, target, work.attempt).follow(stopping)


async def follow_made(
    pod: Pod, run: ScriptExecution, cron_script: "CronScript", stopping: asyncio.Event
) -> int:
    """See a run that was just made for a slot to its end, or until told to stop; gives the exit code."""
    metadata = run.metadata
    target = Target(metadata.namespace, metadata.name, metadata.uid)
    return await OneRun(pod, target, known=Known(run, cron_script)).follow(stopping)
