"""The worker's side of its channel: requests in, host calls out and their answers in, results out.

It blocks, and the supervisor always reads. What the supervisor sends is trusted.
"""

import json
import os
import socket
from collections.abc import Iterator

from scriptorium_runner.engine import protocol, untrusted
from scriptorium_runner.engine.protocol import Answer, Request

#: Beyond twice as much the allocator would ask the kernel for new pages, and give them back, each time.
_RECEIVE_BYTES = 64 * 1024


class Link:
    """The channel to the supervisor; the process ends with it."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._frames = protocol.FrameBuffer()

    def send(self, frame: bytes) -> None:
        """Send a frame."""
        try:
            self._channel.sendall(frame)
        except OSError:
            os._exit(0)

    def read_requests(self) -> Iterator[Request]:
        """Give the requests one by one.

        An answer, or a word to give up, that comes between two of them was meant for a run that is over.
        """
        while True:
            kind, payload = self._read_frame()
            if kind == protocol.RUN:
                request = protocol.decode_request(payload)
                # A body is held once, and not beyond its run.
                del payload
                yield request
                del request

    def call(self, number: int, method: str, arguments: str) -> str | None:
        """Send a host call; gives the code of the error if it cannot be sent."""
        payload = f'[{number},"{method}",{arguments}]'.encode()
        if len(payload) > protocol.CALL_BYTES:
            return "ArgumentTooLarge"
        if payload.count(b"[") + payload.count(b"{") > untrusted.MAX_DEPTH and _is_deep(arguments):
            return "ArgumentTooDeep"
        self.send(protocol.encode_frame(protocol.CALL, payload))
        return None

    def wait(self) -> Answer | None:
        """Wait for the next answer; None if it is time to give up."""
        kind, payload = self._read_frame()
        return protocol.decode_answer(payload) if kind == protocol.ANSWER else None

    def _read_frame(self) -> tuple[int, bytes]:
        while (frame := self._frames.next_frame(2**31)) is None:
            try:
                data = self._channel.recv(_RECEIVE_BYTES)
            except OSError:
                data = b""
            if not data:
                os._exit(0)
            self._frames.feed(data)
        return frame


def _is_deep(arguments: str) -> bool:
    try:
        # One level less: the list that the call itself is.
        return untrusted.is_deep(json.loads(arguments), untrusted.MAX_DEPTH - 1)
    except RecursionError:
        return True
