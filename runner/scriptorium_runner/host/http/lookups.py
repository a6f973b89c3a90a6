"""From names to addresses: asked once for each request, so that what was checked is what is connected to."""

import asyncio
import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from scriptorium_api.host_patterns import Address
from scriptorium_api.values import frozen

#: Gives the addresses of a canonical name, none if it has none.
Lookup = Callable[[str], Awaitable[tuple[Address, ...]]]

#: The system's resolver blocks; a name server that is slow on purpose must not take the threads of others.
_THREADS = 8
#: An answer, also that there is none, serves this long: addresses are checked at each use all the same.
_KEEP_SECONDS = 10.0
_KEPT_NAMES = 1000


@frozen
class _Known:
    addresses: tuple[Address, ...]
    until: float


class SystemLookup:
    """The resolver of the system, with a memory of seconds; names are full names, no search list is tried."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lookup")
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asked: dict[str, asyncio.Task[tuple[Address, ...]]] = {}

    async def __call__(self, host: str) -> tuple[Address, ...]:
        """Give the addresses of a name; who asks meanwhile for the same one waits for the same answer."""
        known = self._known.get(host)
        if known and self._clock() < known.until:
            return known.addresses
        task = self._asked.get(host)
        if task is None:
            task = self._asked[host] = asyncio.create_task(self._ask(host))
            task.add_done_callback(lambda _: self._asked.pop(host, None))
        # Who gives up does not take the answer from the others.
        return await asyncio.shield(task)

    def close(self) -> None:
        """Take no more questions; a thread that waits for a name server ends when that answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for task in self._asked.values():
            task.cancel()

    async def _ask(self, host: str) -> tuple[Address, ...]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask_system, host)
        self._known[host] = _Known(found, self._clock() + _KEEP_SECONDS)
        self._known.move_to_end(host)
        if len(self._known) > _KEPT_NAMES:
            self._known.popitem(last=False)
        return found


def ask_system(host: str) -> tuple[Address, ...]:
    """Ask the system's resolver for a full name; the dot at the end keeps it from trying a search list."""
    try:
        found = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError):
        return ()
    addresses = (ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found)
    return tuple(dict.fromkeys(addresses))
