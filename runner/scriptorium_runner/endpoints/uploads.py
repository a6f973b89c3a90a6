"""Bodies on their way in, and the memory that they take.

Strangers may send to an Endpoint that is open to all, and take as long as a body may take. So that a few who
send a byte now and then do not keep everybody else out, whoever has been sending for the longest makes way.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

from scriptorium_runner.endpoints.bodies import Body
from scriptorium_runner.engine import Held

#: So long nobody has to make way: who was let in may send as fast as most connections do.
GRACE_SECONDS: Final = 5.0


class NoRoomLeft(Exception):
    """There is no memory for a body."""


class Outpaced(NoRoomLeft):
    """It took long to come, and others needed its memory."""


class Uploads:
    """The bodies of one runner."""

    def __init__(self, held: Held, grace: float = GRACE_SECONDS) -> None:
        """`held` has what the runner holds for others; nobody makes way before `grace` seconds."""
        self._held, self._grace = held, grace
        #: Those that are still coming, the longest first.
        self._coming: dict[Upload, None] = {}

    @contextlib.contextmanager
    def hold(self) -> Iterator["Upload"]:
        """Have a body counted as memory from its first byte to the end of the block."""
        upload = Upload(self)
        try:
            yield upload
        finally:
            self._free(upload)

    def _begin(self, upload: "Upload") -> None:
        self._coming[upload] = None

    def _end(self, upload: "Upload") -> None:
        self._coming.pop(upload, None)

    def _grow(self, upload: "Upload", more: int) -> None:
        while not self._held.has_room(more):
            self._make_room_for(upload)
        self._held.add(more)
        upload.size += more

    def _make_room_for(self, upload: "Upload") -> None:
        """Have the one that has been coming for the longest make way; raises NoRoomLeft."""
        longest = next(iter(self._coming), upload)
        if longest is upload or longest.find_age() < self._grace:
            raise NoRoomLeft
        self._end(longest)
        longest.make_way()
        # What came of it is let go in a moment: nobody has to wait for that.
        self._free(longest)

    def _free(self, upload: "Upload") -> None:
        size, upload.size = upload.size, 0
        self._held.remove(size)


class Upload:
    """One body; `size` is what came of it, in bytes."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._since = 0.0
        self._timeout = asyncio.timeout(None)
        self._has_made_way = False
        self.size = 0

    async def receive(self, body: Body, most: int) -> bytes:
        """Give all of a body, at most so many bytes; raises BodyError, NoRoomLeft, or Outpaced."""
        self._since = asyncio.get_running_loop().time()
        self._uploads._begin(self)
        try:
            async with self._timeout:
                found = await body.read(most, lambda more: self._uploads._grow(self, more))
        except TimeoutError as error:
            raise Outpaced from error
        finally:
            self._uploads._end(self)
        if self._has_made_way:
            # Its end came in that very moment, but its memory is another's by now.
            raise Outpaced
        return found

    def find_age(self) -> float:
        """Give for how many seconds it has been coming."""
        return asyncio.get_running_loop().time() - self._since

    def make_way(self) -> None:
        """Have it end as Outpaced."""
        self._has_made_way = True
        self._timeout.reschedule(self._since)
