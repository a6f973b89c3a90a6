"""A dev session: load, run, print, and again when a file changes."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from scriptorium_api.cron_script import CronScript, Miss
from scriptorium_api.execution import Holder, ScriptExecution
from scriptorium_api.reasons import Reason
from scriptorium_api.values import frozen
from scriptorium_runner import engine, front
from scriptorium_runner.dev import ending, forecast, notices, plan, shelf, table, trouble
from scriptorium_runner.dev.doorstep import Doorstep
from scriptorium_runner.dev.index import guard, routes
from scriptorium_runner.dev.ledger import Ledger
from scriptorium_runner.dev.plan import Plan
from scriptorium_runner.dev.request_log import RequestLog
from scriptorium_runner.dev.screen import Screen, ScreenError
from scriptorium_runner.dev.shelf import Listing, Shelf
from scriptorium_runner.dev.timetable import Timetable, utc_now
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.outside import Outside
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.front import Means
from scriptorium_runner.history.database import HistoryError
from scriptorium_runner.history.requests import RequestHistory
from scriptorium_runner.history.sqlite import History
from scriptorium_runner.host.http import HttpClient, HttpSettings
from scriptorium_runner.sources import files
from scriptorium_runner.sources.file_calendar import FileCalendar
from scriptorium_runner.sources.manifests import Problem

#: Seconds between two looks at the files; a change is picked up before a hand has left the keyboard.
_LOOK_SECONDS = 0.4

#: A change is taken when it has lasted this long: many editors empty a file before they write it.
_SETTLE_SECONDS = 0.1

_NOT_SEALED = (
    "WARNING: --insecure-no-seal: scripts run in processes that are not sealed. Code that breaks out of the"
    " JavaScript engine can do on this machine all that you can. Run only scripts that you trust."
)

_HOLDER = Holder(pod="dev", uid="00000000-0000-0000-0000-000000000000", start_id="dev")
_TENANT = Tenant(id="00000000-0000-0000-0000-000000000000", name=files.NAMESPACE)


@frozen(kw_only=True)
class DevOptions:
    """What the command line says."""

    paths: list[Path]
    is_once: bool
    is_json: bool
    state: Path
    workers: int
    seal: engine.Seal = engine.Seal.FULL
    http: HttpSettings = field(default_factory=HttpSettings)
    port: int = 8080
    """Where Endpoints answer; 0 stands for any that is free."""


@dataclass(slots=True)
class _Session:
    """The files of a session, as they were when it looked last, and what is done about them."""

    shelf: Shelf
    ledger: Ledger
    board: files.FileBoard
    dispatcher: Dispatcher
    timetable: Timetable
    is_once: bool
    plan: Plan = field(default_factory=Plan)
    problems: int = 0

    def take(self, listing: Listing, changes: str = "") -> None:
        """Make the runs those of the files; tell what changed and what is wrong with them."""
        loaded = self.shelf.load(listing)
        news = self.timetable.take(loaded)
        self.plan = plan.decide_runs(self.board, loaded, self.plan.prints)
        self.problems = len(loaded.problems)
        self._tell(loaded.problems + self.plan.obstacles, changes)
        self._tell_schedules(news)
        self._stop_outdated()
        self._start_new()
        self._look_again()

    def _tell(self, complaints: list[Problem], changes: str) -> None:
        if changes:
            self.ledger.screen.note(changes + plan.summarize(self.plan, has_complaints=bool(complaints)))
        for problem in complaints:
            self.ledger.screen.complain(problem)
        for conflict in routes.list_conflicts(self.board.list_endpoints()):
            self.ledger.screen.complain(conflict)
        has_others = self.board.cron_scripts() or self.board.list_endpoints()
        if not self.plan.prints and not complaints and not has_others:
            self.ledger.screen.note("no ScriptExecution found: add one to run a Script")

    def _tell_schedules(self, news: list[CronScript]) -> None:
        now = self.timetable.now()
        for cron_script in news:
            self.ledger.screen.note(forecast.describe_next(cron_script, now, is_awaited=not self.is_once))

    def _start_new(self) -> None:
        for key, manifest in self.plan.starts.items():
            execution = self.board.add(manifest)
            self.ledger.enter(key, execution)
            self.dispatcher.offer(execution)

    def _stop_outdated(self) -> None:
        """Stop the runs whose manifest is another one now, and those of slots whose CronScript is gone."""
        outdated = [uid for uid, key in self.ledger.open.items() if key in self.plan.stops]
        for uid in [*outdated, *(run.metadata.uid for run in self.board.list_orphans())]:
            self.board.remove(uid)
            self.dispatcher.forget(uid)
            self.ledger.leave(uid)

    def _look_again(self) -> None:
        """Look again at the runs of slots that wait for a Script: it may be there now."""
        for namespace, script in self.board.scripts():
            self.dispatcher.reconsider(namespace, script)


async def run_dev(options: DevOptions) -> int:
    """Run the executions under the paths; give the exit code, see `ending`."""
    screen = Screen(is_json=options.is_json)
    try:
        if absent := shelf.find_absent(options.paths):
            screen.complain(f"{absent}: no such file or folder")
            return ending.TROUBLE
        with History(options.state) as history:
            ledger = Ledger(screen, history)
            with notices.told(screen, ledger.stopping_on_trouble):
                return await _run_engine(options, ledger)
    except (HistoryError, ScreenError, engine.EngineStartFailed) as error:
        return trouble.tell_trouble(screen, error)


async def _run_engine(options: DevOptions, ledger: Ledger) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ledger.interrupt, number)
    if options.seal is engine.Seal.NONE:
        ledger.screen.complain(_NOT_SEALED)
    sandbox = engine.Engine(engine.EngineSettings(pool_size=options.workers, seal=options.seal))
    await sandbox.start()
    try:
        async with HttpClient(options.http) as http, front.open_key_sets(options.http) as key_sets:
            place = EngineSandbox(sandbox, http=Outside(http))
            board = files.FileBoard()
            means = Means(board=board, engine=sandbox, sandbox=place, key_sets=key_sets)
            with RequestHistory(options.state, _build_alarm(ledger)) as history:
                log = RequestLog(ledger.screen, ledger.stopping_on_trouble)
                steps = Doorstep(means, _TENANT, options.workers, history, log.hear)
                return await _run_session(options, ledger, Stage(board, place, steps, log))
    finally:
        await sandbox.shutdown()


@frozen
class Stage:
    """Where everything is, runs and answers."""

    board: files.FileBoard
    sandbox: EngineSandbox
    steps: Doorstep
    log: RequestLog


async def _run_session(options: DevOptions, ledger: Ledger, stage: Stage) -> int:
    board, sandbox = stage.board, stage.sandbox
    place = Place(holder=_HOLDER, tenant=_TENANT, slots=options.workers)
    dispatcher = Dispatcher(board, sandbox, place, ledger.end)
    board.on_change = _build_listener(ledger, dispatcher)
    timetable = _open_timetable(board, ledger, dispatcher)
    session = _Session(Shelf(options.paths), ledger, board, dispatcher, timetable, options.is_once)
    taking = asyncio.create_task(dispatcher.run())
    # A loop that died would leave the session waiting for ever; its error is raised below.
    taking.add_done_callback(lambda _task: ledger.stopping.set())
    with ledger.stopping_on_trouble():
        await (_run_once(session) if options.is_once else _watch(session, stage.steps, options.port))
    unfinished = len(ledger.open)
    await stage.steps.close()
    stage.log.tell()
    await timetable.close()
    await dispatcher.drain(0)
    await taking
    return _conclude(session, unfinished, is_once=options.is_once)


def _build_alarm(ledger: Ledger) -> Callable[[HistoryError], None]:
    """Give what stops the session from another thread."""
    loop = asyncio.get_running_loop()

    def stop(error: HistoryError) -> None:
        with ledger.stopping_on_trouble():
            raise error

    def alarm(error: HistoryError) -> None:
        # A session that has ended already needs no stopping.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop, error)

    return alarm


def _build_listener(ledger: Ledger, dispatcher: Dispatcher) -> Callable[[ScriptExecution], None]:
    def listen(run: ScriptExecution) -> None:
        # A retry is told when the attempt before it has failed.
        if run.status.message and run.status.reason not in (Reason.RETRYING, Reason.RUNNING):
            with ledger.stopping_on_trouble():
                ledger.screen.note(f"{run.metadata.name} waits: {run.status.message}")
        dispatcher.offer(run)

    return listen


def _open_timetable(board: files.FileBoard, ledger: Ledger, dispatcher: Dispatcher) -> Timetable:
    def start(run: ScriptExecution) -> None:
        ledger.enter((run.metadata.namespace, f"slot of {run.metadata.name}"), run)
        dispatcher.offer(run)

    def tell(cron_script: CronScript, miss: Miss) -> None:
        with ledger.stopping_on_trouble():
            ledger.screen.note(table.render_miss(cron_script, miss))

    return Timetable(FileCalendar(board, start, tell), utc_now)


async def _run_once(session: _Session) -> None:
    session.take(session.shelf.look())
    if session.ledger.open:
        await _first_of(session.ledger.idle, session.ledger.stopping)


async def _serve(session: _Session, steps: Doorstep, port: int) -> None:
    """Have the Endpoints answer as the files have them now."""
    try:
        opened = await steps.take(port)
    except OSError as error:
        session.ledger.screen.complain(
            f"Endpoints cannot answer on port {port}: {error.strerror or error}; choose another by --port"
        )
        return
    if opened is not None:
        session.ledger.screen.note(f"Endpoints answer at http://127.0.0.1:{opened}, whatever their host")
        session.ledger.screen.note(f"try them at http://127.0.0.1:{opened}{guard.ROOT}")


async def _watch(session: _Session, steps: Doorstep, port: int) -> None:
    """Look at the files, and see to the slots that are due, until the session is to stop."""
    taken = session.shelf.look()
    session.take(taken)
    await _serve(session, steps, port)
    session.ledger.screen.note("watching for changes; Ctrl-C stops")
    while not await _is_set_within(session.ledger.stopping, session.timetable.find_pause(_LOOK_SECONDS)):
        session.timetable.start_due()
        if (listing := await _find_change(session, taken)) is not None:
            changes, taken = shelf.describe_changes(taken, listing), listing
            session.take(listing, changes)
            await _serve(session, steps, port)


async def _find_change(session: _Session, taken: Listing) -> Listing | None:
    """Give the files as they are now if they are others than those taken, and stay so for a moment."""
    listing = session.shelf.look()
    while listing != taken and not session.ledger.stopping.is_set():
        await asyncio.sleep(_SETTLE_SECONDS)
        former, listing = listing, session.shelf.look()
        if listing == former:
            return listing
    return None


def _conclude(session: _Session, unfinished: int, *, is_once: bool) -> int:
    """Say how the session ended, and give its exit code."""
    ledger = session.ledger
    if ledger.trouble is not None:
        return trouble.tell_trouble(ledger.screen, ledger.trouble)
    if ledger.signal is not None and unfinished:
        ledger.screen.note(ending.describe_interruption(unfinished))
    failed = ledger.failed + len(session.plan.obstacles)
    tally = ending.Tally(is_once=is_once, problems=session.problems, failed=failed, unfinished=unfinished)
    return ending.decide_code(tally, ledger.signal)


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
