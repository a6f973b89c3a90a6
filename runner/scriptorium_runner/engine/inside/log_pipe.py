"""The worker's side of the pipe that holds a run's console lines: a ring, bounded in bytes, that survives
SIGKILL.

The worker has both ends. When a line does not fit it takes the oldest lines out itself. Each line is a JSON
array [number, milliseconds since 1970, level, 1 if it was cut, message, data]; a gap before the first number
tells that lines are missing.
"""

import contextlib
import fcntl
import json
import os
import time
from collections import deque

#: A line that does not fill a page of the pipe can leave most of it empty, so the pipe is this much larger.
_SLACK = 4
_SMALLEST_PIPE = 64 * 1024


class LogPipe:
    """Writes console lines for the supervisor to find."""

    def __init__(self, read_end: int, write_end: int) -> None:
        self._read_end = read_end
        self._write_end = write_end
        self._pipe_bytes = _SMALLEST_PIPE
        self.begin(0)

    def begin(self, limit: int) -> None:
        """Start a run that may keep `limit` bytes."""
        self._lengths: deque[int] = deque()
        self._held = 0
        self._count = 0
        self._limit = (
            limit + limit // 2
        )  # The supervisor cuts exactly; JSON escapes are no part of its count.
        self._widen(limit)

    def write(self, level: str, words: tuple[str, ...]) -> None:
        """Add a line; `words` are JSON texts: the message, then the data."""
        message = words[0] if words else '""'
        data = f"[{','.join(words[1:])}]" if len(words) > 1 else "null"
        line = self._render(level, 0, message, data)
        if len(line) > self._limit:
            line = self._render(
                level, 1, self._cut(message), '["[left out: too long]"]' if words[1:] else "null"
            )
        self._count += 1
        while self._lengths and self._held + len(line) > self._limit:
            self._drop_oldest()
        self._put(line)

    def _render(self, level: str, was_cut: int, message: str, data: str) -> bytes:
        return (
            f'[{self._count},{time.time_ns() // 1_000_000},"{level}",{was_cut},{message},{data}]\n'.encode()
        )

    def _cut(self, message: str) -> str:
        room = self._limit - 200  # The rest of the line.
        raw: str = json.loads(message)
        head = raw.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
        text = json.dumps(head, ensure_ascii=False)
        # Control characters take six bytes each.
        return text if len(text.encode()) <= room else json.dumps(head[: room // 6])

    def _put(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[os.write(self._write_end, rest) :]
            except BlockingIOError:
                if not self._lengths:
                    return
                self._drop_oldest()
        self._lengths.append(len(line))
        self._held += len(line)

    def _drop_oldest(self) -> None:
        length = self._lengths.popleft()
        self._held -= length
        os.read(self._read_end, length)

    def _widen(self, limit: int) -> None:
        wanted = limit * _SLACK
        if wanted > self._pipe_bytes:
            # Refused beyond the user's share of pipe memory; then fewer lines are kept.
            with contextlib.suppress(PermissionError):
                self._pipe_bytes = fcntl.fcntl(self._write_end, fcntl.F_SETPIPE_SZ, wanted)
