"""Leadership: one replica works, the others see everything and stand by."""

import asyncio
import logging
from collections.abc import Callable

from scriptorium_operator.decide.election import TRUST_SECONDS, TRY_SECONDS, Move, Sighting, decide_move
from scriptorium_operator.errors import NotLeading, OperatorError, Outdated
from scriptorium_operator.gateways.election import LeaseGateway

#: For both requests of one try together.
REQUEST_SECONDS = 4.0

log = logging.getLogger(__name__)


class Leadership:
    """Whether this replica may work: while its Lease is fresh, and until another replica took it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._trusted_until = float("-inf")
        self._began = asyncio.Event()

    @property
    def is_held(self) -> bool:
        """Say whether this replica leads at this moment."""
        return self._clock() < self._trusted_until

    def check(self) -> None:
        """Let a write pass; raises NotLeading in a replica that does not lead, or stood still meanwhile."""
        if not self.is_held:
            raise NotLeading

    def hold(self, begun: float) -> None:
        """Note that the Lease was got or renewed by a request that began at this moment."""
        self._trusted_until = begun + TRUST_SECONDS
        self._began.set()

    async def wait(self) -> None:
        """Wait until this replica leads."""
        await self._began.wait()

    @property
    def has_begun(self) -> bool:
        """Say whether this replica has ever led."""
        return self._began.is_set()


async def campaign(leadership: Leadership, leases: LeaseGateway, clock: Callable[[], float]) -> None:
    """Get the Lease and keep it; raises NotLeading when another replica took it: a new process starts anew.

    While the API server is away the replica may not write, and leads again if nobody took the Lease.
    """
    sighting = Sighting()
    while True:
        begun = clock()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                sighting = sighting.next(await leases.find(), clock())
                await _move(leadership, leases, sighting, begun)
        except Outdated:
            log.info("another replica was faster")
        except NotLeading:
            raise
        except (OperatorError, TimeoutError) as error:
            log.warning("cannot read or renew the lease", extra={"error": str(error) or "timed out"})
        await asyncio.sleep(TRY_SECONDS)


async def _move(leadership: Leadership, leases: LeaseGateway, sighting: Sighting, begun: float) -> None:
    move = decide_move(sighting, leases.identity, begun)
    if leadership.has_begun and move in (Move.WAIT, Move.TAKE):
        # Somebody took it while this replica was not heard.
        raise NotLeading
    if move is Move.WAIT:
        return
    if move is Move.CREATE:
        await leases.create()
    elif sighting.state is not None:
        await leases.take(sighting.state)
    if not leadership.has_begun:
        log.info("this replica leads", extra={"identity": leases.identity})
    leadership.hold(begun)
