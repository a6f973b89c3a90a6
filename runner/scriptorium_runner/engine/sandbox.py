"""One fresh JavaScript world: a context with the prelude in it, for exactly one script."""

import os
import resource
from dataclasses import dataclass
from typing import Any

from scriptorium_runner.engine import native, positions
from scriptorium_runner.engine.interrupt import Deadline
from scriptorium_runner.engine.log_pipe import LogPipe
from scriptorium_runner.engine.peak_memory import PeakMemory
from scriptorium_runner.engine.protocol import Request

MB = 1024 * 1024
#: A frame of the interpreter takes about 1.7 KB, so this is some 2,400 calls deep; never more than half the
#: stack.
_STACK_BYTES = min(4 * MB, max(resource.getrlimit(resource.RLIMIT_STACK)[0], 2 * MB) // 2)
#: How many jobs run between two looks at the clock: a job may be too short for the engine to look itself.
_JOBS_PER_LOOK = 32
#: A script that ran out of memory still needs some for the description of its error.
_ROOM_FOR_LAST_WORDS = 8 * MB
#: For an error that is neither the script's nor told by the engine.
_UNSPEAKABLE = "the engine could not say what went wrong"


def draw_fraction() -> float:
    """Draw a number from 0 to 1 from the kernel, which a fork does not repeat."""
    return (int.from_bytes(os.urandom(7)) >> 3) / 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a script ended, in the worker's words; `name`, `message` and `stack` are JSON texts."""

    kind: str  # value, error, syntax, breakout, memory, timeout, unsettled, large
    output: str = ""
    name: str = '""'
    message: str = '""'
    stack: str = '""'
    size: int = 0
    #: What the engine itself said, for an error that no JavaScript described.
    text: str = ""


class Sandbox:
    """Holds a context until `close`, which must be called: the context and its callable refer to each
    other."""

    def __init__(self, prelude: str, deadline: Deadline, logs: LogPipe, memory: PeakMemory) -> None:
        self._deadline = deadline
        self._logs = logs
        self._memory = memory
        self._ending: Ending | None = None
        self._memory_bytes = 0
        self._context = native.Context()
        self._context.set_max_stack_size(_STACK_BYTES)
        deadline.attach(self._context)
        self._context.add_callable("port", self._receive)
        self._host = self._context.eval(prelude)(self._context.get("port"), draw_fraction())

    def close(self) -> None:
        """Free the heap."""
        del self._host, self._context

    def run(self, request: Request) -> Ending:
        """Compile and run a script until it settles, can never settle, or is stopped."""
        self._memory_bytes = request.memory_mb * MB
        self._context.set_memory_limit(self._memory_bytes)
        try:
            return self._run(request)
        except Exception as error:  # noqa: BLE001 - a script's getters can raise anything here
            return self._judge(error, "error")

    def _run(self, request: Request) -> Ending:
        try:
            function = self._compile(request)
        except Exception as error:  # noqa: BLE001 - the same: what closes the wrapper runs now
            return self._judge(error, "syntax")
        if function is None:
            return Ending(kind="breakout")
        if request.only_check_syntax:
            return Ending(kind="value", output="{}")
        self._host("begin", request.context, request.log_kb * 1024, request.env)
        self._host("run", function, request.entrypoint)
        return self._run_jobs()

    def _compile(self, request: Request) -> Any:
        wrapper = positions.wrap(request.source, request.entrypoint)
        function = self._context.eval(wrapper)
        return function if self._host("is_whole", function, wrapper[1:-1]) is True else None

    def _run_jobs(self) -> Ending:
        while self._ending is None:
            for _ in range(_JOBS_PER_LOOK):
                if not self._context.execute_pending_job():
                    return self._ending or Ending(kind="memory" if self._is_full() else "unsettled")
                if self._ending is not None:
                    return self._ending
            if self._deadline.check():
                return Ending(kind="timeout")
        return self._ending

    def _judge(self, error: Exception, otherwise: str) -> Ending:
        """Tell an error that reached Python apart by the clock and the heap: its text can be the script's."""
        text = str(error)
        if self._deadline.has_passed:
            return Ending(kind="timeout", text=text)
        if isinstance(error, MemoryError):
            return Ending(kind="memory")
        if text.startswith(("InternalError: out of memory\n", "null\n")) and self._is_full():
            return Ending(kind="memory")
        if not isinstance(error, native.JSException):
            text = f"InternalError: {_UNSPEAKABLE}"
        if otherwise == "syntax" and not text.startswith("SyntaxError: "):
            return Ending(kind="breakout")
        return Ending(kind=otherwise, text=text)

    def _is_full(self) -> bool:
        # The engine throws null where it has no memory left to make an error of; much may be freed by now.
        half = self._memory_bytes // 2
        return self._memory.has_grown_by(half) or bool(self._context.memory()["malloc_size"] > half)

    def _receive(self, *words: Any) -> None:
        """Take what the prelude says; its strings are JSON texts or literals of its own.

        Nothing may be raised into the engine, which would go on with the error pending.
        """
        try:
            self._hear(*words)
        except MemoryError:
            if words[0] != "log" and self._ending is None:
                self._ending = Ending(kind="memory")

    def _hear(self, kind: str, *words: Any) -> None:
        # A string for which the engine has no memory arrives as None.
        if kind == "log":
            if None not in words:
                self._logs.write(words[0], words[1:])
        elif kind == "room":
            self._context.set_memory_limit(self._memory_bytes + _ROOM_FOR_LAST_WORDS)
        elif self._ending is None:
            self._ending = Ending(kind="memory") if None in words else self._read_ending(kind, *words)

    def _read_ending(self, kind: str, *words: Any) -> Ending:
        if self._deadline.has_passed:
            # Where a promise asks for `then`, an interrupt turns into a rejection that can be caught.
            return Ending(kind="timeout")
        if kind == "value":
            text: str = words[0]
            return Ending(kind="value", output=text if text[0] == "{" else f'{{"value":{text}}}')
        if kind == "large":
            return Ending(kind="large", size=int(words[0]))
        if kind == "null":
            kind = "memory" if self._is_full() else "error"
        return Ending(kind=kind, name=words[0], message=words[1], stack=words[2])
