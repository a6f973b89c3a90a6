"""`scriptorium-runner pool`: takes the executions of one namespace until told to stop."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine
from typing import Any

from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_client import Client, load_config
from scriptorium_runner import engine, logs
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.metrics import Metrics
from scriptorium_runner.settings import PoolSettings
from scriptorium_runner.sources.cluster import ClusterBoard
from scriptorium_runner.sources.following import Followers
from scriptorium_runner.web import health

log = logging.getLogger(__name__)


async def run_pool(settings: PoolSettings) -> None:
    """Take and run executions until SIGTERM, then drain."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    sandbox = engine.Engine(engine.EngineSettings(pool_size=settings.workers))
    async with Client(load_config(), user_agent="scriptorium-runner") as client:
        await sandbox.start()
        try:
            await _serve(settings, client, sandbox, stopping)
        finally:
            await sandbox.shutdown()


async def _serve(
    settings: PoolSettings, client: Client, sandbox: engine.Engine, stopping: asyncio.Event
) -> None:
    board = ClusterBoard(client, settings.namespace)
    place = Place(holder=settings.holder, tenant=settings.tenant, slots=settings.workers)

    def record_end(execution: ScriptExecution, status: ExecutionStatus) -> None:
        metrics.count_end(status)
        logs.write_script_logs(execution, status)

    dispatcher = Dispatcher(board, EngineSandbox(sandbox), place, record_end)
    metrics = Metrics(dispatcher, settings.workers)
    followers = Followers(client, settings.namespace, board, dispatcher)
    loops = {
        "scripts": followers.follow_scripts(),
        "config maps": followers.follow_config_maps(),
        "runners": followers.follow_runners(settings.pool),
        "executions": followers.follow_executions(),
        "dispatcher": _dispatch(followers, dispatcher),
    }
    tasks = [asyncio.create_task(_end_process_on_failure(name, work)) for name, work in loops.items()]
    probes = await health.start_health(
        settings.health_port,
        is_alive=lambda: True,
        is_ready=lambda: followers.is_synced and not stopping.is_set(),
        registry=metrics.registry,
    )
    log.info("runner started", extra={"namespace": settings.namespace, "workers": settings.workers})
    await stopping.wait()
    log.info("runner stops, draining", extra={"running": dispatcher.load.running})
    await dispatcher.drain(settings.drain_seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await probes.cleanup()
    log.info("runner stopped")


async def _dispatch(followers: Followers, dispatcher: Dispatcher) -> None:
    await followers.wait_until_synced()
    await dispatcher.run()


async def _end_process_on_failure(name: str, work: Coroutine[Any, Any, None]) -> None:
    """A runner with a dead loop would look alive and take nothing: better to start anew."""
    try:
        await work
    except Exception:
        log.exception("a loop of the runner died", extra={"loop": name})
        os.kill(os.getpid(), signal.SIGTERM)
