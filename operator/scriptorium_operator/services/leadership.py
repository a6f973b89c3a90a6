"""Leadership: one replica works, the others see everything and stand by."""

import asyncio
import logging
from collections.abc import Callable

from scriptorium_operator.decide.election import TRUST_SECONDS, TRY_SECONDS, Move, Sighting, decide_move
from scriptorium_operator.errors import NotLeading, OperatorError, Outdated
from scriptorium_operator.gateways.election import LeaseGateway

log = logging.getLogger(__name__)


class Leadership:
    """Whether this replica may work; once it may not any more, it never may again."""

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
    """Get the Lease and keep it; ends with NotLeading when it was lost: a new process starts from nothing."""
    sighting = Sighting()
    while True:
        begun = clock()
        try:
            sighting = sighting.next(await leases.find(), clock())
            await _move(leadership, leases, sighting, begun)
        except Outdated:
            log.info("another replica was faster")
        except NotLeading:
            raise
        except OperatorError as error:
            log.warning("cannot renew the lease of the leader", extra={"error": str(error)})
        if leadership.has_begun and not leadership.is_held:
            raise NotLeading
        await asyncio.sleep(TRY_SECONDS)


async def _move(leadership: Leadership, leases: LeaseGateway, sighting: Sighting, begun: float) -> None:
    move = decide_move(sighting, leases.identity, begun)
    if move is not Move.RENEW and leadership.has_begun:
        # Somebody took it while this replica stood still.
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
