"""How requests reach the API server: `pooled` is for those who ask much, `lean` for a pod that soon ends."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import NamedTuple, Protocol

#: Seconds for one request but a watch: the API server's own limit is 60, and a retry is better than that.
REQUEST_SECONDS = 30

#: The longest that is listened at a stretch: the API server is asked to end a watch a minute before.
LISTEN_SECONDS = 360

#: Seconds until there is a connection.
CONNECT_SECONDS = 5


#: Hears of every request: its method, and the answer's status or None.
Tell = Callable[[str, int | None], None]


class Answer(NamedTuple):
    """What came back, whole."""

    status: int
    content: bytes
    retry_after: str | None = None


class Broken(Exception):
    """There is no connection, or it broke off; nobody knows what became of the request."""


class Rejected(Exception):
    """There is nothing to listen to."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


class Transport(Protocol):
    """Connections to one API server."""

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request and give its answer, whatever its status; raises Broken."""

    def listen(
        self, path: str, *, headers: Mapping[str, str], query: Mapping[str, str], silence: float
    ) -> AsyncGenerator[bytes, None]:
        """Give an answer piece by piece until its end, or until nothing came for `silence` seconds.

        Raises Rejected if its status is not 200, and Broken.
        """

    async def close(self) -> None:
        """Close all connections."""
