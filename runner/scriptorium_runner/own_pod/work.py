"""What a run's pod is there for: an attempt of one run, or a schedule's slot.

A slot is judged while that is imported and started by which its run is made.
"""

import asyncio
import signal
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from scriptorium_api.execution import ScriptExecution
from scriptorium_client import Client
from scriptorium_runner.engine.workers.zygote_start import Begun
from scriptorium_runner.own_pod import parts
from scriptorium_runner.settings import AttemptWork, RunSettings, SlotWork

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript
    from scriptorium_runner.own_pod.one_run import Pod
    from scriptorium_runner.own_pod.one_slot import FollowRun, OneSlot


async def do_work(settings: RunSettings, client: Client, begun: Begun | None = None) -> int:
    """Do what the pod is there for; gives 0 if it succeeded or was not there to be done, else 1.

    `begun` is the sandbox's zygote, if it was begun before. Raises EngineStartFailed.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        building = asyncio.create_task(parts.build_models())
        opening = asyncio.create_task(_open_pod(stack, settings, client, begun))
        stack.push_async_callback(_end, building, opening)
        return await _work(settings, client, opening, stopping)


async def _open_pod(
    stack: AsyncExitStack, settings: RunSettings, client: Client, begun: Begun | None
) -> "Pod":
    await parts.import_parts(*parts.TO_RUN)
    from scriptorium_runner.own_pod import running  # noqa: PLC0415 - imported by now.

    return await stack.enter_async_context(running.open_pod(settings, client, begun))


async def _end(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _work(
    settings: RunSettings, client: Client, opening: "asyncio.Task[Pod]", stopping: asyncio.Event
) -> int:
    """Do what there is to do, and take no run before its sandbox has started."""
    work = settings.work
    if isinstance(work, AttemptWork):
        pod = await opening
        from scriptorium_runner.own_pod import running  # noqa: PLC0415 - imported by now.

        return await running.follow_attempt(pod, settings.namespace, work, stopping)

    async def follow_run(run: ScriptExecution, cron_script: "CronScript", stopping: asyncio.Event) -> int:
        pod = await opening
        from scriptorium_runner.own_pod import running  # noqa: PLC0415 - imported by now.

        return await running.follow_made(pod, run, cron_script, stopping)

    return await _build_slot(client, settings.namespace, work, follow_run).follow(stopping)


def _build_slot(client: Client, namespace: str, work: SlotWork, follow_run: "FollowRun") -> "OneSlot":
    # An attempt is of no schedule, and waits for what its pod imports.
    from scriptorium_runner.own_pod.one_slot import Means, OneSlot  # noqa: PLC0415
    from scriptorium_runner.sources import slot_job  # noqa: PLC0415
    from scriptorium_runner.sources.calendar import ClusterCalendar  # noqa: PLC0415

    means = Means(partial(slot_job.find_slot_job, client, namespace), follow_run)
    return OneSlot(ClusterCalendar(client, namespace), means, work)
