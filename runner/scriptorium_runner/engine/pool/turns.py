"""Who waits for a worker, and whose turn it is: by lane, slots and memory, and by the shares of Scripts."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from scriptorium_runner.engine.pool import fairness, lanes
from scriptorium_runner.engine.pool.claims import Claim, Claims
from scriptorium_runner.engine.pool.lanes import Lanes
from scriptorium_runner.engine.pool.memory_guard import MemoryGuard
from scriptorium_runner.engine.pool.stock import Stock
from scriptorium_runner.engine.values import EngineSettings, Lane
from scriptorium_runner.engine.workers.channel import Worker


@dataclass(eq=False, slots=True)
class Waiter:
    """A caller who waits."""

    claim: Claim
    worker: asyncio.Future[Worker]


class Turns:
    """Whose turn it is, given who holds what at that moment."""

    def __init__(self, settings: EngineSettings, busy: Claims, stock: Stock, memory: MemoryGuard) -> None:
        self._settings = settings
        self._busy, self._stock, self._memory = busy, stock, memory
        self._waiters: deque[Waiter] = deque()
        #: How the slots are shared; nothing is reserved until something serves HTTP.
        self._lanes = Lanes(settings.pool_size)
        #: The lines whose first waits for memory; nobody in them may take it meanwhile.
        self._short: set[frozenset[Lane]] = set()

    def __len__(self) -> int:
        return len(self._waiters)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(self._waiters)

    @property
    def reserved(self) -> int:
        """Say how many slots are kept for HTTP."""
        return self._lanes.reserved

    @property
    def is_short(self) -> bool:
        """Say whether anybody who would be next waits for memory."""
        return bool(self._short)

    def reserve_for_http(self, *, is_served: bool) -> None:
        """Keep slots and memory for HTTP from now on, or give them to all."""
        slots = self._settings.pool_size
        self._lanes = lanes.divide(slots, self._settings.http_reserve) if is_served else Lanes(slots)

    def begin(self, claim: Claim) -> Waiter:
        """Have a caller wait behind the others."""
        waiter = Waiter(claim, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        return waiter

    def end(self, waiter: Waiter) -> None:
        """Let a caller go."""
        self._waiters.remove(waiter)

    def may_take(self, claim: Claim) -> bool:
        """Say whether a caller who just came may have a slot and memory, past those who wait."""
        if self._lanes.find_line(claim.lane) in self._short:
            return False
        return self._count_free(claim) > 0 and self._has_memory(claim)

    def look_anew(self) -> None:
        """Forget who waited for memory: some may be there now."""
        self._short = set()

    def find_next(self) -> Waiter | None:
        """Give who is served next: what others called first, then line by line the first that has memory."""
        if not self._waiters:
            return None
        servable = self._list_servable()
        if called := next((waiter for waiter in servable if waiter.claim.depth), None):
            return called
        for line in self._lanes.list_lines(self._busy.lanes):
            waiting = [waiter for waiter in servable if waiter.claim.lane in line]
            if not waiting or line in self._short:
                continue
            first = waiting[self._choose(line, [waiter.claim.script for waiter in waiting])]
            if self._has_memory(first.claim):
                return first
            self._short.add(line)
        return None

    def count_lanes(self) -> Counter[Lane]:
        """Count those who have no worker yet, by lane."""
        return Counter(claim.lane for claim in self._list_waiting())

    def count_helped(self) -> int:
        """Count those whom another worker may help: it is no help to those who wait for memory."""
        if not self._waiters:
            return 0
        return sum(self._lanes.find_line(claim.lane) not in self._short for claim in self._list_waiting())

    def find_demand(self) -> int:
        """Give how many workers would be busy if all were there that can be."""
        if not self._waiters:
            return len(self._busy)
        depths = Counter(claim.depth for claim in self._list_waiting() if claim.depth)
        called = sum(min(count, self._count_nested(depth)) for depth, count in depths.items())
        return len(self._busy) + called + self._lanes.count_startable(self.count_lanes(), self._busy.lanes)

    def _list_waiting(self) -> list[Claim]:
        return [waiter.claim for waiter in self._waiters if not waiter.worker.done()]

    def _list_servable(self) -> list[Waiter]:
        """Give who can be served now; nobody has to wait with those who wait for a fork or a slot."""
        owners = self._stock.owners
        return [
            waiter
            for waiter in self._waiters
            if not waiter.worker.done()
            and self._count_free(waiter.claim) > 0
            and (self._stock.fresh or waiter.claim.owner in owners)
        ]

    def _choose(self, line: frozenset[Lane], scripts: list[str]) -> int:
        cap = fairness.find_cap(self._lanes.count_own(line), self._settings.script_share)
        return fairness.choose(scripts, self._busy.count_held(line), cap)

    def _count_free(self, claim: Claim) -> int:
        if claim.depth:
            return self._count_nested(claim.depth)
        return self._lanes.count_free(claim.lane, self._busy.lanes)

    def _count_nested(self, depth: int) -> int:
        return self._settings.nested_slots - self._busy.count(depth)

    def _has_memory(self, claim: Claim) -> bool:
        """Say whether there is memory for a claim that is the first of its line."""
        # Who waits for a called script holds memory meanwhile: to wait for memory could be for ever.
        if claim.depth:
            return True
        if not self._memory.fits(claim.memory_mb, self._busy.promised_mb):
            return False
        return not self._lanes.are_apart or self._has_part(claim)

    def _has_part(self, claim: Claim) -> bool:
        """Say whether a claim stays within its lane's part of the memory, or may exceed it."""
        promised, part = self._busy.count_promised_mb(claim.lane), self._lanes.find_part(claim.lane)
        if self._memory.fits_part(claim.memory_mb, promised, part):
            return True
        # Requests take what nobody waits for, and so does, alone, a run too large for the queue's part.
        return not self._short and (claim.lane is Lane.HTTP or not promised)
