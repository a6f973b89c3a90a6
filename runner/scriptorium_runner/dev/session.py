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
from scriptorium_runner import engine
from scriptorium_runner.dev import ending, forecast, plan, shelf, table, trouble
from scriptorium_runner.dev.ledger import Ledger
from scriptorium_runner.dev.plan import Plan
from scriptorium_runner.dev.screen import Screen, ScreenError
from scriptorium_runner.dev.shelf import Listing, Shelf
from scriptorium_runner.dev.timetable import Timetable, utc_now
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.sandbox import EngineSandbox, Outside
from scriptorium_runner.history.sqlite import History, HistoryError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """What the command line says."""

    paths: list[Path]
    is_once: bool
    is_json: bool
    state: Path
    workers: int
    seal: engine.Seal = engine.Seal.FULL
    http: HttpSettings = field(default_factory=HttpSettings)


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
        if not self.plan.prints and not complaints and not self.board.cron_scripts():
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
            return await _run_engine(options, Ledger(screen, history))
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
        async with HttpClient(options.http) as http:
            place = EngineSandbox(sandbox, http=Outside(http))
            return await _run_session(options, ledger, place)
    finally:
        await sandbox.shutdown()


async def _run_session(options: DevOptions, ledger: Ledger, sandbox: EngineSandbox) -> int:
    board = files.FileBoard()
    place = Place(holder=_HOLDER, tenant=_TENANT, slots=options.workers)
    dispatcher = Dispatcher(board, sandbox, place, ledger.end)
    board.on_change = _build_listener(ledger, dispatcher)
    timetable = _open_timetable(board, ledger, dispatcher)
    session = _Session(Shelf(options.paths), ledger, board, dispatcher, timetable, options.is_once)
    taking = asyncio.create_task(dispatcher.run())
    # A loop that died would leave the session waiting for ever; its error is raised below.
    taking.add_done_callback(lambda _task: ledger.stopping.set())
    with ledger.stopping_on_trouble():
        await (_run_once(session) if options.is_once else _watch(session))
    unfinished = len(ledger.open)
    await timetable.close()
    await dispatcher.drain(0)
    await taking
    return _conclude(session, unfinished, is_once=options.is_once)


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


async def _watch(session: _Session) -> None:
    """Look at the files, and see to the slots that are due, until the session is to stop."""
    taken = session.shelf.look()
    session.take(taken)
    session.ledger.screen.note("watching for changes; Ctrl-C stops")
    while not await _is_set_within(session.ledger.stopping, session.timetable.find_pause(_LOOK_SECONDS)):
        session.timetable.start_due()
        if (listing := await _find_change(session, taken)) is not None:
            changes, taken = shelf.describe_changes(taken, listing), listing
            session.take(listing, changes)


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
