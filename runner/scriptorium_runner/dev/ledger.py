"""The runs of a session: which are open, which failed, and whether the session can go on."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from signal import Signals

from scriptorium_api.execution import ExecutionSpec, ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_runner.dev.plan import Key
from scriptorium_runner.dev.screen import Screen, ScreenError
from scriptorium_runner.history.database import HistoryError
from scriptorium_runner.history.sqlite import History


@dataclass(slots=True)
class Ledger:
    """Keeps account of runs, and tells of each that ended."""

    screen: Screen
    history: History
    open: dict[str, Key] = field(default_factory=dict)
    """Runs that have not ended, by UID."""
    specs: dict[str, ExecutionSpec] = field(default_factory=dict)
    """What these runs were asked to be; one that names a CronScript ends with what it took over from that."""
    failed: int = 0
    signal: Signals | None = None
    """What told the session to stop."""
    trouble: Exception | None = None
    """What keeps the session from going on."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """No run is open."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def interrupt(self, number: Signals) -> None:
        """Stop, as a signal asks for."""
        self.signal = self.signal or number
        self.stopping.set()

    def enter(self, key: Key, execution: ScriptExecution) -> None:
        """Count a run as open."""
        self.open[execution.metadata.uid] = key
        self.specs[execution.metadata.uid] = execution.spec
        self.idle.clear()

    def leave(self, uid: str) -> None:
        """Count a run as open no more."""
        self.open.pop(uid, None)
        self.specs.pop(uid, None)
        if not self.open:
            self.idle.set()

    def end(self, execution: ScriptExecution, status: ExecutionStatus) -> None:
        """Show and remember a run that ended; whatever fails at that, it is open no more.

        One whose attempt failed and that has another before it is told, and stays open.
        """
        if not status.phase.is_terminal:
            with self.stopping_on_trouble():
                self.screen.note(f"{execution.metadata.name}: {status.message}")
            return
        spec = self.specs.get(execution.metadata.uid, execution.spec)
        ended = execution.model_copy(update={"spec": spec, "status": status})
        try:
            with self.stopping_on_trouble():
                # What the session's own end cuts off is told in one line for all.
                if not self.stopping.is_set():
                    self.failed += status.phase is not Phase.SUCCEEDED
                    self.screen.show(ended)
                self.history.record(ended)
        finally:
            self.leave(execution.metadata.uid)

    @contextlib.contextmanager
    def stopping_on_trouble(self) -> Iterator[None]:
        """Stop the session if it cannot write any more; the first trouble is the one that is told."""
        try:
            yield
        except (HistoryError, ScreenError) as error:
            self.trouble = self.trouble or error
            self.stopping.set()
