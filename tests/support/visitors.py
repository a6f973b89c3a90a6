"""Callers of Endpoints: one that sends exactly what it is told, and a crowd that does not stop."""

import contextlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.replies import Reply
from tests.support.waiting import until

#: How long a test waits for an answer that should be there at once.
_PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Visitor:
    """Speaks to a server by address, and names the host itself; a path goes out as it is given."""

    address: str
    host: str
    port: int = 80

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=_PATIENCE)
        with contextlib.closing(connection):
            return exchange(connection, method, target, body, {"Host": self.host, **(headers or {})})

    def get(self, target: str, **headers: str) -> Reply:
        """GET a path; an underscore in a header's name stands for a dash."""
        return self.send(
            "GET", target, headers={key.replace("_", "-"): value for key, value in headers.items()}
        )

    def post(self, target: str, value: Any, **headers: str) -> Reply:
        """POST a value as JSON."""
        named = {key.replace("_", "-"): text for key, text in headers.items()}
        return self.send(
            "POST", target, json.dumps(value).encode(), {"Content-Type": "application/json"} | named
        )


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    body: bytes | None,
    headers: Mapping[str, str],
) -> Reply:
    """Send a request on a connection that is there, and read the whole answer.

    Several headers of one name are joined by a comma.
    """
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    received: dict[str, str] = {}
    for name, value in answer.getheaders():
        key = name.lower()
        received[key] = f"{received[key]}, {value}" if key in received else value
    return Reply(answer.status, received, answer.read())


@dataclass
class Crowd:
    """What became of many requests."""

    answers: Counter[tuple[int, bytes]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, reply: Reply) -> None:
        """Count an answer."""
        with self._lock:
            self.answers[(reply.status, reply.body)] += 1

    def note_failure(self, error: str) -> None:
        """Count a request that got none."""
        with self._lock:
            self.failures.append(error)

    @property
    def served(self) -> int:
        """Say how many requests have been answered."""
        return self.answers.total()


@contextlib.contextmanager
def keep_calling(visitor: Visitor, target: str, callers: int = 4) -> Iterator[Crowd]:
    """Have so many callers ask for a path, each again when it has its answer, until the block ends.

    Each keeps its connection while the server does, as browsers and ingress controllers do.
    """
    crowd, stop = Crowd(), threading.Event()
    threads = [threading.Thread(target=_call, args=(visitor, target, crowd, stop)) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _call(visitor: Visitor, target: str, crowd: Crowd, stop: threading.Event) -> None:
    connection = http.client.HTTPConnection(visitor.address, visitor.port, timeout=_PATIENCE)
    with contextlib.closing(connection):
        while not stop.is_set():
            try:
                reply = exchange(connection, "GET", target, None, {"Host": visitor.host})
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                crowd.note_failure(repr(error))
            else:
                crowd.note(reply)


def wait_for_more(crowd: Crowd, count: int) -> None:
    """Wait until so many more requests have been answered."""
    wanted = crowd.served + count
    until(lambda: crowd.served >= wanted, 60, f"{count} more requests were answered")
