"""A dev session: load, run, print, and again when a file changes."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_runner import engine
from scriptorium_runner.dev import table
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.history.sqlite import History
from scriptorium_runner.sources import files, manifests

#: Seconds between two looks at the files; a change is picked up before a hand has left the keyboard.
_LOOK_SECONDS = 0.5

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


@dataclass(slots=True)
class _Session:
    """One session's runs: which are open, which failed, what each manifest depended on."""

    options: DevOptions
    history: History
    board: files.FileBoard = field(default_factory=files.FileBoard)
    prints: dict[tuple[str, str], str] = field(default_factory=dict)
    open: int = 0
    failed: int = 0
    problems: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    style: table.Style = field(default_factory=lambda: table.Style(sys.stdout.isatty()))
    has_header: bool = False

    def end(self, execution: ScriptExecution, status: ExecutionStatus) -> None:
        """Show and remember a run that ended."""
        ended = execution.model_copy(update={"status": status})
        self.history.record(ended)
        self.failed += status.phase is not Phase.SUCCEEDED
        self.show(ended)
        self.open -= 1
        if self.open == 0:
            self.idle.set()

    def show(self, ended: ScriptExecution) -> None:
        """Write a run to standard output."""
        if self.options.is_json:
            _write(json.dumps(ended.to_wire()))
            return
        if not self.has_header:
            _write(table.render_header(self.style))
            self.has_header = True
        _write(table.render_run(ended, self.style))


async def run_dev(options: DevOptions) -> int:
    """Run the executions under the paths; give the exit code: 0, 1 for failed runs, 2 for bad manifests."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    sandbox = engine.Engine(engine.EngineSettings(pool_size=options.workers))
    with History(options.state) as history:
        await sandbox.start()
        try:
            return await _run_session(_Session(options, history), sandbox, stopping)
        finally:
            await sandbox.shutdown()


async def _run_session(session: _Session, sandbox: engine.Engine, stopping: asyncio.Event) -> int:
    place = Place(holder=_HOLDER, tenant=_TENANT, slots=session.options.workers)
    dispatcher = Dispatcher(session.board, EngineSandbox(sandbox), place, session.end)
    taking = asyncio.create_task(dispatcher.run())
    seen = _look(session.options.paths)
    _load(session, dispatcher)
    if not session.options.is_once:
        _note("watching for changes; Ctrl-C stops")
        while not await _is_set_within(stopping, _LOOK_SECONDS):
            if (now := _look(session.options.paths)) != seen:
                seen = now
                _load(session, dispatcher)
    elif session.open:
        await _first_of(session.idle, stopping)
    await dispatcher.drain(0)
    await taking
    if session.options.is_once:
        return 2 if session.problems else int(session.failed > 0)
    return 0


def _load(session: _Session, dispatcher: Dispatcher) -> None:
    """Take the files as they are now, and run what is new or changed."""
    loaded = manifests.load(session.options.paths)
    session.board.take(loaded)
    missing = files.find_missing(session.board, loaded)
    session.problems = len(loaded.problems) + len(missing)
    for problem in loaded.problems + missing:
        _note(f"error: {problem}")
    bad = {(problem.path, problem.line) for problem in missing}
    runs = [
        found
        for found in loaded.objects
        if isinstance(found.object, ScriptExecution) and (found.path, found.line) not in bad
    ]
    if not runs and not session.problems:
        _note("no ScriptExecution found: add one to run a Script")
    former, session.prints = session.prints, {}
    for found in runs:
        key = (str(found.path), found.object.metadata.name or str(found.line))
        session.prints[key] = files.fingerprint(session.board, found.object)
        if former.get(key) != session.prints[key] and isinstance(found.object, ScriptExecution):
            session.open += 1
            session.idle.clear()
            dispatcher.offer(session.board.add(found.object))
    for script in session.board.scripts():
        dispatcher.reconsider(*script)


def _look(paths: list[Path]) -> dict[Path, tuple[int, int]]:
    """Give what tells a changed file from an unchanged one."""
    found: dict[Path, tuple[int, int]] = {}
    for path in paths:
        for file in manifests.list_files(path):
            with contextlib.suppress(FileNotFoundError):
                stat = os.stat(file)
                found[file] = (stat.st_mtime_ns, stat.st_size)
    return found


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


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
