"""The supervisor's side of a run's host calls: carries them out and sends the answers in turn."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

from scriptorium_runner.engine import protocol
from scriptorium_runner.engine.host_calls import HostCalls, HostError
from scriptorium_runner.engine.workers.backlog import MOST_RUN_BYTES, Unread
from scriptorium_runner.engine.workers.call_record import Call, CallRecord

_log = logging.getLogger(__name__)

#: An answer's JSON; what is larger could not be read within most scripts' memory.
MOST_ANSWER_BYTES = 4 * 1024 * 1024
#: How much of an error's words a script is told.
_MESSAGE_CHARACTERS = 4096
_NAME_CHARACTERS = 256
_UNREAD = (
    f"more than {MOST_RUN_BYTES} bytes of answers wait for the script to read them: await fewer calls at once"
)


class Calls:
    """The host calls of one run that are under way; `stop` must be called when the run is over."""

    def __init__(
        self,
        host: HostCalls,
        record: CallRecord,
        send: Callable[[bytes], Awaitable[None]],
        unread: Unread,
    ) -> None:
        self._host = host
        self._record = record
        self._send = send
        self._unread = unread
        #: Made with the first answer: most runs ask for nothing.
        self._frames: asyncio.Queue[tuple[int, bytes, int]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: asyncio.Task[None] | None = None
        self._is_writing = False
        self._is_stopped = False

    @property
    def counted(self) -> int:
        """Say how many calls counted towards the limit."""
        return self._record.counted

    def take(self, payload: bytes) -> None:
        """Begin a call that the worker sent; raises WorkerLost or CallLimitReached."""
        call = self._record.enter(payload)
        task = asyncio.create_task(self._answer(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def give_up(self) -> None:
        """Tell a worker that waits for an answer that the time is over."""
        if self._record.has_pending:
            self._put(0, protocol.encode_frame(protocol.GIVE_UP))

    def stop(self) -> bool:
        """Cancel what is under way; False if a frame was being written, of which the rest is now missing."""
        self._is_stopped = True
        self._unread.close()
        for task in self._tasks:
            task.cancel()
        if self._writer is not None:
            self._writer.cancel()
        return not self._is_writing

    async def _answer(self, call: Call) -> None:
        frame = await answer(self._host, call)
        if self._unread.add(len(frame)):
            self._put(call.number, frame, len(frame))
        else:
            # Not counted: it is small, and there are no more of them than there may be calls at once.
            self._put(call.number, _encode_error(call.number, HostError(_UNREAD, code="AnswerTooLarge")))

    def _put(self, number: int, frame: bytes, counted: int = 0) -> None:
        """Have a frame sent, of which so many bytes count as unread until then."""
        if self._is_stopped:
            return  # A host that did not heed its cancellation; the channel is the next run's by now.
        if self._frames is None:
            self._frames = asyncio.Queue()
            self._writer = asyncio.create_task(self._write(self._frames))
        self._frames.put_nowait((number, frame, counted))

    async def _write(self, frames: asyncio.Queue[tuple[int, bytes, int]]) -> None:
        """Send frames in turn; a call is pending until its answer left, so that they do not pile up here."""
        while True:
            number, frame, counted = await frames.get()
            self._is_writing = True
            self._record.leave(number)
            try:
                await self._send(frame)
            except OSError:
                return  # The worker is gone, and whoever reads from it hears so.
            self._unread.remove(counted)
            self._is_writing = False


async def answer(host: HostCalls, call: Call) -> bytes:
    """Carry out a call and write its answer as a frame; whatever happens, there is one."""
    try:
        text = json.dumps(await host.call(call.method, call.arguments), ensure_ascii=False, allow_nan=False)
        payload = text.encode("utf-8", "replace")
        if len(payload) > MOST_ANSWER_BYTES:
            raise HostError(
                f"the answer has {len(payload)} bytes, at most {MOST_ANSWER_BYTES} are allowed",
                code="AnswerTooLarge",
            )
        return protocol.encode_answer(call.number, True, payload)
    except HostError as error:
        return _encode_error(call.number, error)
    except Exception:  # noqa: BLE001 - logged with its traceback
        # A bug of ours in one host API must not leave its script waiting, nor take the runner with it.
        _log.exception("a host call failed", extra={"method": call.method})
        return _encode_error(call.number, HostError("the host call failed", code="HostFailure"))


def _describe_long(message: str) -> str:
    return f"the host call failed; what is to be said of it, {len(message)} characters, is too long"


def _encode_error(number: int, error: HostError) -> bytes:
    words = {
        "name": error.name if len(error.name) <= _NAME_CHARACTERS else error.code,
        "code": error.code,
        # Whole or not at all: the first half of a secret could not be told from any text afterwards.
        "message": error.message
        if len(error.message) <= _MESSAGE_CHARACTERS
        else _describe_long(error.message),
    }
    return protocol.encode_answer(number, False, json.dumps(words).encode())
