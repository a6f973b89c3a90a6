"""The frames between supervisor and worker, and the messages between supervisor and zygote. Pure.

A frame is a 4-byte length (of what follows), a 1-byte kind and a payload.

    supervisor -> worker   E  run: three lines of JSON (what of a Request is alike for all runs of a program,
                              its context, and the head of the HTTP request that it is to answer, empty if
                              there is none; the last two are handed on unread), then that request's body
                           R  the answer to a host call: its number, whether it went well, JSON
                           T  the time is over: do not wait for answers any more
    worker -> supervisor   H  ready; D  done: a line of JSON (Report), then the output's JSON text;
                              of an answer to an HTTP request another line of JSON (its head), then its body
                           C  a host call: [number, method, arguments] in JSON, numbered from 1 in each run

Ahead of its frames a worker sends one byte with a descriptor; see `meter`. Console lines do not travel in
frames: the worker writes them into a pipe that the supervisor reads when the run is over, so that they
outlive a SIGKILL and a flood of them never wakes the supervisor.
"""

import functools
import json
import struct
from dataclasses import asdict, field, fields
from operator import attrgetter
from typing import Any

from scriptorium_api.values import frozen
from scriptorium_runner.engine.errors import WorkerLost
from scriptorium_runner.engine.seal.layers import Layer

HEAD = struct.Struct("!IB")
RUN = ord("E")
READY = ord("H")
DONE = ord("D")
CALL = ord("C")
ANSWER = ord("R")
GIVE_UP = ord("T")

#: What a D frame may hold besides the output: a message, a name and a stack, each escaped at most sixfold.
REPORT_BYTES = 128 * 1024
#: What the header lines of an answer may hold; before they are judged, a byte is a character.
MOST_LINES = 100
MOST_LINE_BYTES = 32 * 1024
#: What the head of an answer may hold besides: its lines, each character escaped at most sixfold.
HEAD_BYTES = 256 * 1024
#: What a C frame may hold: a request's body or another script's input, with room to spare.
CALL_BYTES = 1024 * 1024
_ANSWER = struct.Struct("!I?")

#: worker -> supervisor, ahead of all frames: its clear_refs rides along.
METER = b"M"
#: "Reset the peak resident set size" in proc(5): what the supervisor writes there.
RESET_PEAK = b"5"

#: zygote -> supervisor: ready (JSON of Readiness), forked (number, pid; the pidfd rides along), not forked
#: (number, errno), exited (number, wait status, CPU s, peak KiB)
READINESS = b"R"
FORKED = struct.Struct("!cQi")
NOT_FORKED = struct.Struct("!cQi")
EXITED = struct.Struct("!cQidQ")
#: supervisor -> zygote: fork (number; the worker's three descriptors ride along)
FORK = struct.Struct("!cQ")


@frozen(kw_only=True)
class Request:
    """What a worker is told about one run."""

    source: str
    entrypoint: str | None
    context: str
    timeout_seconds: float
    memory_mb: int
    output_kb: int
    log_kb: int
    only_check_syntax: bool = False
    env: str = field(default="{}", repr=False)
    #: JSON: `methods`, each with whether it counts; `calls`, how many may count; `pending`, how many at once.
    host: str = '{"methods":{},"calls":0,"pending":0}'
    #: JSON: all of the HTTP request that the run answers, but for its body; None if it answers none.
    head: str | None = field(default=None, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def most_report_bytes(self) -> int:
        """Say how long the D frame that answers it may be."""
        return self.output_kb * 1024 + REPORT_BYTES + (0 if self.head is None else HEAD_BYTES)


#: What is each run's own; the first line has all else.
_OWN = ("context", "head", "body")
_COMMON = tuple(each.name for each in fields(Request) if each.name not in _OWN)
_read_common_values = attrgetter(*_COMMON)
#: Programs whose first line is kept: those that are asked for at the moment.
_KEPT_LINES = 16


@frozen
class Answer:
    """What came of a host call: JSON, or if it failed the JSON of name, code and message."""

    number: int
    is_good: bool
    text: str


@frozen(kw_only=True)
class Readiness:
    """What a zygote says of itself before it forks."""

    #: Layers of the seal that its workers do not have, and why.
    flaws: dict[Layer, str]
    landlock_version: int
    #: Bytes of address space that a worker begins with.
    address_space: int
    #: Who compiled the engine that it has loaded; see `build`.
    build: str
    #: Whether contexts take up our own sources as bytecode; see `bytecode`.
    has_bytecode: bool
    #: Whether contexts are put back from a snapshot; see `worlds`.
    has_snapshot: bool


def encode_readiness(readiness: Readiness) -> bytes:
    """Write a Readiness as a message."""
    return READINESS + json.dumps(asdict(readiness)).encode()


def decode_readiness(message: bytes) -> Readiness:
    """Read what encode_readiness wrote; the zygote is trusted."""
    values = json.loads(message.removeprefix(READINESS))
    return Readiness(**values | {"flaws": {Layer(name): flaw for name, flaw in values["flaws"].items()}})


def encode_frame(kind: int, payload: bytes = b"") -> bytes:
    """Put the head before the payload."""
    return HEAD.pack(len(payload) + 1, kind) + payload


def encode_request(request: Request) -> bytes:
    """Write a Request as a frame; raises ValueError for JSON that is not in one line."""
    common = _write_common(_read_common_values(request))
    own = f"{request.context}\n{request.head or ''}\n".encode()
    if own.count(b"\n") != 2:
        raise ValueError("a line break in what is to be one line of JSON")
    size = len(common) + len(own) + len(request.body)
    return b"".join((HEAD.pack(size + 1, RUN), common, own, request.body))


@functools.lru_cache(_KEPT_LINES)
def _write_common(values: tuple[Any, ...]) -> bytes:
    """Write the first line: a source is long, and the same with each request."""
    return json.dumps(dict(zip(_COMMON, values, strict=True))).encode() + b"\n"


def decode_request(payload: bytes) -> Request:
    """Read what encode_request wrote; the supervisor is trusted."""
    common, context, head, body = payload.split(b"\n", 3)
    return Request(
        **_read_common(common), context=context.decode(), head=head.decode() if head else None, body=body
    )


@functools.lru_cache(1)
def _read_common(line: bytes) -> dict[str, Any]:
    """Read the first line, which is mostly the one before."""
    values: dict[str, Any] = json.loads(line)
    return values


def encode_answer(number: int, is_good: bool, payload: bytes) -> bytes:
    """Write the answer to a host call as a frame."""
    return encode_frame(ANSWER, _ANSWER.pack(number, is_good) + payload)


def decode_answer(payload: bytes) -> Answer:
    """Read what encode_answer wrote; the supervisor is trusted."""
    number, is_good = _ANSWER.unpack_from(payload)
    return Answer(number, is_good, payload[_ANSWER.size :].decode())


class FrameBuffer:
    """Cuts a stream of bytes into frames and refuses what is longer than allowed before it is stored."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was received that was not taken out."""
        return not self._bytes

    def feed(self, data: bytes) -> None:
        """Add what was received."""
        self._bytes += data

    def next_frame(self, max_payload: int) -> tuple[int, bytes] | None:
        """Take one whole frame out, or None if it is not there yet."""
        if len(self._bytes) < HEAD.size:
            return None
        length, kind = HEAD.unpack_from(self._bytes)
        if not 1 <= length <= max_payload + 1:
            raise WorkerLost(f"a frame of {length} bytes where {max_payload} are allowed")
        end = HEAD.size + length - 1
        if len(self._bytes) < end:
            return None
        with memoryview(self._bytes) as received:
            payload = bytes(received[HEAD.size : end])
        del self._bytes[:end]
        return kind, payload
