"""`scriptorium-runner pool`: takes the executions of one namespace until told to stop."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from scriptorium_api.execution import ExecutionStatus, Isolation, ScriptExecution
from scriptorium_api.values import frozen
from scriptorium_client import Client, load_config
from scriptorium_runner import engine, front, logs, request_log
from scriptorium_runner.endpoints.auth.key_sets import KeySets
from scriptorium_runner.endpoints.invoke.invoking import Host, Invoking
from scriptorium_runner.endpoints.invoke.verdicts import Verdicts
from scriptorium_runner.endpoints.live import Terms
from scriptorium_runner.endpoints.room import RoomSettings
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.lives import Sign
from scriptorium_runner.executions.outside import Outside
from scriptorium_runner.executions.ports import Board
from scriptorium_runner.executions.rescue import Rescuer
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.executions.schedules import find_cron_script
from scriptorium_runner.front import Front, FrontSettings, Means
from scriptorium_runner.host.http import Denials, Ending, HttpClient
from scriptorium_runner.metrics import Metrics
from scriptorium_runner.pool_settings import PoolSettings
from scriptorium_runner.request_metrics import RequestMetrics
from scriptorium_runner.schedules import turn_times
from scriptorium_runner.schedules.ticker import Standing, Ticker
from scriptorium_runner.sources.calendar import ClusterCalendar
from scriptorium_runner.sources.cluster import ClusterBoard
from scriptorium_runner.sources.following import Followers, Listeners
from scriptorium_runner.sources.leases import Leases
from scriptorium_runner.sources.reviews import TokenReviews
from scriptorium_runner.web import health
from scriptorium_runner.web.internal import InternalListener

log = logging.getLogger(__name__)


@frozen
class Parts:
    """What one runner consists of, but for its sandbox and its probes."""

    followers: Followers
    dispatcher: Dispatcher
    rescuer: Rescuer
    leases: Leases
    ticker: Ticker
    front: Front | None = None

    @property
    def is_ready(self) -> bool:
        """Say whether runs can be taken, and requests."""
        is_open = self.front is None or self.front.is_open
        return self.followers.is_synced and self.leases.is_held and is_open


@frozen
class OtherRunners:
    """The others of the pool, by their leases and by the order that all agree on."""

    leases: Leases
    dispatcher: Dispatcher

    async def look(self) -> Mapping[str, Sign]:
        """Give what their leases show now, by pod UID; raises Unreachable."""
        return await self.leases.look()

    def rank(self, uid: str) -> int:
        """Give this runner's place among those that may take up this run, 0 being first."""
        return self.dispatcher.rank(uid)

    def is_running(self, uid: str) -> bool:
        """Say whether this runner has the run in its hands."""
        return self.dispatcher.is_running(uid)


async def run_pool(settings: PoolSettings) -> int:
    """Take and run executions until SIGTERM, then drain; gives the exit code.

    Raises EngineStartFailed.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    sandbox = engine.Engine(settings.engine, engine.find_container_memory())
    async with Client(load_config(), user_agent="scriptorium-runner") as client:
        await sandbox.start()
        try:
            async with HttpClient(settings.http) as http, front.open_key_sets(settings.http) as key_sets:
                return await _serve(settings, client, Sandboxes(sandbox, http, key_sets), stopping)
        finally:
            await sandbox.shutdown()


@frozen
class Sandboxes:
    """Where scripts run, and their way out."""

    engine: engine.Engine
    http: HttpClient
    key_sets: KeySets


async def _serve(settings: PoolSettings, client: Client, places: Sandboxes, stopping: asyncio.Event) -> int:
    sandbox, metrics = places.engine, Metrics(settings.workers)
    metrics.show_layers(sandbox.layers)
    metrics.show_version(sandbox.version())

    def record_end(execution: ScriptExecution, status: ExecutionStatus) -> None:
        metrics.count(status)
        logs.write_script_logs(execution, status)

    outside = build_outside(places.http, metrics)
    hooks = Hooks(on_end=record_end, on_slot=metrics.count_slot)
    stage = Stage(
        ClusterBoard(client, settings.namespace), EngineSandbox(sandbox, settings.ceilings, outside)
    )
    means = Means(board=stage.board, engine=sandbox, sandbox=stage.sandbox, key_sets=places.key_sets)
    answering = _build_front(settings, means, metrics)
    parts = _assemble(settings, client, stage, hooks, answering)
    dispatcher = parts.dispatcher
    metrics.show_load(lambda: dispatcher.load)
    metrics.show_engine(sandbox.stats)
    # Until the very end, so that nobody takes the runs that are finishing for lost.
    renewing = asyncio.create_task(parts.leases.renew())
    work = asyncio.create_task(run_parts(parts, settings.pool))
    work.add_done_callback(lambda ended: _stop_with(ended, stopping))
    probes = await health.start_health(
        settings.health_port,
        is_alive=lambda: sandbox.is_working,
        is_ready=lambda: parts.is_ready and sandbox.is_working and not stopping.is_set(),
        registry=metrics.registry,
    )
    internal = build_internal(settings, client, stage, lambda: parts.followers.is_synced, metrics)
    await internal.start(settings.internal_port)
    log.info("runner started", extra={"namespace": settings.namespace, "workers": settings.workers})
    await stopping.wait()
    log.info("runner stops, draining", extra={"running": dispatcher.load.running})
    parts.ticker.stop()
    await asyncio.gather(
        dispatcher.drain(settings.drain_seconds),
        answering.close(settings.grace_seconds, settings.drain_seconds),
        internal.drain(settings.grace_seconds, settings.drain_seconds),
    )
    has_died = work.done()
    for task in (work, renewing):
        task.cancel()
    await asyncio.gather(work, renewing, return_exceptions=True)
    await parts.leases.give_up()
    await probes.cleanup()
    log.info("runner stopped")
    return 1 if has_died else 0


def build_outside(http: HttpClient, metrics: Metrics) -> Outside:
    """Give the way out, whose calls are counted, and logged where they are denied."""
    denials = Denials()

    def record_call(start: Start, ending: Ending) -> None:
        metrics.count_http(ending)
        denials.note(start.owner, start.script, ending)

    return Outside(http, record_call)


@frozen
class Stage:
    """What scripts run with, whoever asks for them."""

    board: ClusterBoard
    sandbox: EngineSandbox


def build_internal(
    settings: PoolSettings, client: Client, stage: Stage, is_ready: Callable[[], bool], metrics: Metrics
) -> InternalListener:
    """Give the listener for calls of Scripts from inside the cluster."""
    host = Host(
        namespace=settings.namespace,
        holder=settings.holder,
        tenant=settings.tenant,
        is_enabled=settings.is_enabled,
        is_ready=is_ready,
    )
    verdicts = Verdicts(TokenReviews(client.config, settings.namespace), time.monotonic)
    return InternalListener(Invoking(host, stage.board, stage.sandbox, verdicts, metrics.count_invocation))


@frozen
class Hooks:
    """Who hears of what a runner has done."""

    on_end: Callable[[ScriptExecution, ExecutionStatus], None]
    on_slot: Callable[[float], None]
    """Hears by how many seconds a slot's run was made after the slot was to start."""


def _build_front(settings: PoolSettings, means: Means, metrics: Metrics) -> Front:
    counted = RequestMetrics(metrics.registry)
    terms = Terms(tenant=settings.tenant, is_enabled=settings.is_enabled)
    room = RoomSettings(
        slots=settings.workers,
        queue=settings.http_queue,
        seconds=settings.engine.http_acquire_seconds,
    )
    answering = Front(
        FrontSettings(public=settings.public, room=room, terms=terms),
        means,
        [counted.count, request_log.write_request],
    )
    counted.show_in_flight(lambda: answering.serving.in_flight)
    return answering


def _assemble(settings: PoolSettings, client: Client, stage: Stage, hooks: Hooks, answering: Front) -> Parts:
    namespace, holder, on_end = settings.namespace, settings.holder, hooks.on_end
    board, sandbox = stage.board, stage.sandbox
    leases = Leases(client, namespace, settings.pool, holder)
    place = Place(
        holder=holder,
        tenant=settings.tenant,
        slots=settings.workers,
        count_reserved=lambda: sandbox.reserved_slots,
        script_share=settings.engine.script_share,
        may_claim=lambda: leases.is_held,
        takes=frozenset({Isolation.POOL}),
        is_enabled=settings.is_enabled,
    )
    dispatcher = Dispatcher(board, sandbox, place, on_end)
    rescuer = Rescuer(board, holder, OtherRunners(leases, dispatcher), on_end)
    calendar = ClusterCalendar(client, namespace, build_slot_hook(board, hooks.on_slot))
    # Also where scripts are switched off: each slot has its run, which says why it waits.
    ticker = Ticker(calendar, Standing(rank=dispatcher.rank, may_fire=lambda: leases.is_held))
    listeners = Listeners(
        board=board, dispatcher=dispatcher, rescuer=rescuer, ticker=ticker, live=answering.live
    )
    followers = Followers(client, namespace, listeners)
    return Parts(followers, dispatcher, rescuer, leases, ticker, answering)


def build_slot_hook(
    board: Board, on_slot: Callable[[float], None], now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Callable[[ScriptExecution], None]:
    """Give what hears of each slot's run that was made here, and tells by how much that was late."""

    def record_made(run: ScriptExecution) -> None:
        cron_script = find_cron_script(board, run)
        delay = turn_times.find_delay(cron_script, run, now()) if cron_script else None
        if delay is not None:
            on_slot(delay)

    return record_made


async def run_parts(parts: Parts, pool: str) -> None:
    """Follow the namespace, and run what is found once all is known; ends only by an error of ours."""
    followers = parts.followers
    async with asyncio.TaskGroup() as group:
        group.create_task(followers.follow_scripts())
        group.create_task(followers.follow_cron_scripts())
        group.create_task(followers.follow_config_maps())
        group.create_task(followers.follow_runners(pool))
        group.create_task(followers.follow_executions())
        if parts.front is not None:
            group.create_task(followers.follow_endpoints())
            group.create_task(_answer(followers, parts.front))
        await followers.wait_until_synced()
        # A claim without a lease would be taken for that of a lost runner.
        await parts.leases.wait_until_held()
        group.create_task(parts.rescuer.run())
        group.create_task(parts.ticker.run())
        await parts.dispatcher.run()


async def _answer(followers: Followers, answering: Front) -> None:
    """Answer requests once all Endpoints and Scripts are known: 404 is never for want of patience."""
    await followers.wait_until_served()
    await answering.open()
    await answering.run()


def _stop_with(work: asyncio.Task[None], stopping: asyncio.Event) -> None:
    """A runner with a dead loop would look alive and take nothing: better to start anew."""
    if not work.cancelled() and (error := work.exception()):
        log.error("a loop of the runner died", exc_info=error)
    stopping.set()
