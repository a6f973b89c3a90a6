"""One run of one script, in a fresh JavaScript world."""

import base64
import json
from typing import Any

from scriptorium_api.values import frozen
from scriptorium_runner.engine import positions, protocol, roads
from scriptorium_runner.engine.inside import native, randomness
from scriptorium_runner.engine.inside.interrupt import Deadline
from scriptorium_runner.engine.inside.link import Link
from scriptorium_runner.engine.inside.log_pipe import LogPipe
from scriptorium_runner.engine.inside.peak_memory import PeakMemory
from scriptorium_runner.engine.inside.worlds import MB, World
from scriptorium_runner.engine.protocol import Request

#: How many jobs run between two looks at the clock: a job may be too short for the engine to look itself.
_JOBS_PER_LOOK = 32
#: A script that ran out of memory still needs some for the description of its error.
_ROOM_FOR_LAST_WORDS = 8 * MB
#: How much of a body goes through `port` at once, as base64; threes of bytes have no padding.
_PIECE_BYTES = 768 * 1024
#: For an error that is neither the script's nor told by the engine.
_UNSPEAKABLE = "the engine could not say what went wrong"


@frozen
class Doors:
    """Where words from inside go: console lines, and host calls."""

    logs: LogPipe
    link: Link


@frozen(kw_only=True)
class Ending:
    """How a script ended, in the worker's words; `name`, `message` and `stack` are JSON texts."""

    kind: str  # value, answer, error, syntax, breakout, memory, timeout, unsettled, large, calls
    output: str = ""
    name: str = '""'
    message: str = '""'
    stack: str = '""'
    size: int = 0
    #: What the engine itself said, for an error that no JavaScript described.
    text: str = ""
    #: Of an answer to an HTTP request: JSON, and the bytes that go with it.
    head: str = ""
    body: bytes = b""


class Sandbox:
    """Runs one script in a world that nothing ran in before."""

    def __init__(self, world: World, deadline: Deadline, doors: Doors, memory: PeakMemory) -> None:
        self._world = world
        self._context = world.context
        self._host = world.host
        self._deadline = deadline
        self._doors = doors
        self._pending = 0
        self._memory = memory
        self._ending: Ending | None = None
        self._memory_bytes = 0
        self._body = b""
        self._pieces: list[bytes] = []
        world.listener = self._receive

    def run(self, request: Request) -> Ending:
        """Compile and run a script until it settles, can never settle, or is stopped."""
        self._memory_bytes = request.memory_mb * MB
        self._context.set_memory_limit(self._memory_bytes)
        try:
            return self._run(request)
        except Exception as error:  # noqa: BLE001 - a script's getters can raise anything here
            if self._ending is not None and self._ending.kind == "calls":
                return self._ending
            return self._judge(error, "error")

    def _run(self, request: Request) -> Ending:
        # What stands beside the prelude takes longer to make than the prelude: only who may use it gets it.
        if roads.may_call(request.source):
            self._host("calls", self._world.find_calls())
            if roads.may_use_utils(request.source):
                self._host("utils", self._world.find_utils())
        # Whatever the source may do while it is parsed, this was there before.
        answering = None if request.head is None else self._world.find_request()
        try:
            function = self._compile(request)
        except Exception as error:  # noqa: BLE001 - the same: what closes the wrapper runs now
            return self._judge(error, "syntax")
        if function is None:
            return Ending(kind="breakout")
        if request.only_check_syntax:
            return Ending(kind="value", output="{}")
        self._host("begin", request.context, request.log_kb * 1024, request.env, request.host)
        if answering is not None:
            self._body = request.body
            self._host("request", answering, request.head, _render_sizes(request))
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
                    if self._ending is not None:
                        return self._ending
                    if not self._pending:
                        return Ending(kind="memory" if self._is_full() else "unsettled")
                    self._take_answer()
                if self._ending is not None:
                    return self._ending
            if self._deadline.check():
                return Ending(kind="timeout")
        return self._ending

    def _take_answer(self) -> None:
        """Wait for a host call's answer and hand it to the script."""
        answer = self._doors.link.wait()
        if answer is None:
            self._deadline.disarm()
            self._ending = Ending(kind="timeout", text=json.loads(self._host("waiting")))
        else:
            self._pending -= 1
            self._host("settle", answer.number, answer.is_good, answer.text)

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

    def _receive(self, *words: Any) -> str | bool | None:
        """Take what the prelude says; its strings are JSON texts or literals of its own.

        Nothing may be raised into the engine, which would go on with the error pending.
        """
        try:
            if words[0] == "call":
                return self._call(*words[1:])
            if words[0] == "uuid":
                return randomness.draw_uuid()
            if words[0] in ("text", "body"):
                return self._read_body(*words)
            self._hear(*words)
        except MemoryError:
            if words[0] != "log" and self._ending is None:
                self._ending = Ending(kind="memory")
        return None

    def _read_body(self, form: str, start: float = 0) -> str:
        """Give the request's body as text, or a piece of it as base64."""
        if form == "body":
            return base64.b64encode(self._body[int(start) : int(start) + _PIECE_BYTES]).decode("ascii")
        # As the field does it, a byte order mark is not in the text. The codec for that cannot be imported.
        return self._body.decode("utf-8", "replace").removeprefix("\ufeff")

    def _call(self, number: int, method: str, arguments: str | None) -> str | bool:
        """Send a host call; gives True, or the code of the error."""
        if arguments is None:
            raise MemoryError
        problem = self._doors.link.call(number, method, arguments)
        if problem is None:
            self._pending += 1
        return problem or True

    def _hear(self, kind: str, *words: Any) -> None:
        # A string for which the engine has no memory arrives as None.
        if kind == "log":
            if None not in words:
                self._doors.logs.write(words[0], words[1:])
        elif kind == "room":
            self._context.set_memory_limit(self._memory_bytes + _ROOM_FOR_LAST_WORDS)
        elif kind == "piece" and words[0] is not None:
            self._pieces.append(base64.b64decode(words[0]))
        elif kind == "calls":
            # Uncatchable: a breach of this limit ends the run, whatever the script is doing.
            self._ending = Ending(kind="calls", text=json.loads(words[0] or '""'))
            self._deadline.expire()
        elif self._ending is None:
            self._ending = Ending(kind="memory") if None in words else self._read_ending(kind, *words)

    def _read_ending(self, kind: str, *words: Any) -> Ending:
        if self._deadline.has_passed:
            # Where a promise asks for `then`, an interrupt turns into a rejection that can be caught.
            return Ending(kind="timeout")
        if kind == "value":
            text: str = words[0]
            return Ending(kind="value", output=text if text[0] == "{" else f'{{"value":{text}}}')
        if kind == "answer":
            return Ending(kind="answer", head=words[0], body=self._take_body(words[1], words[2]))
        if kind == "large":
            return Ending(kind="large", size=int(words[0]))
        if kind == "doubt":
            kind = "memory" if self._is_full() else "error"
        return Ending(kind=kind, name=words[0], message=words[1], stack=words[2])

    def _take_body(self, form: str, written: str) -> bytes:
        """Read the body of an answer as request.js wrote it."""
        if form == "pieces":
            return b"".join(self._pieces)
        return (json.loads(written) if form == "quoted" else written).encode()


def _render_sizes(request: Request) -> str:
    """Write how large things are that request.js hands over, and how large they may be."""
    return (
        f'{{"bodySize":{len(request.body)},"piece":{_PIECE_BYTES},"mostBytes":{request.output_kb * 1024},'
        f'"mostLines":{protocol.MOST_LINES},"mostLineCharacters":{protocol.MOST_LINE_BYTES}}}'
    )
