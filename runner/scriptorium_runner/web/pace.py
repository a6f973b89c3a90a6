"""How many requests begin in one turn of the event loop.

A turn sees to all that has come since the one before: to answers of scripts, and to requests. In a flood of
requests, most of which are only told that there is no room, a turn was long, and until its end every worker
waited with an answer that nobody took: the more was asked, the less was answered.
"""

import asyncio
from collections import deque
from typing import Final

#: About as many as there are answers in a turn once all slots are busy, as many as a runner usually has.
AT_ONCE: Final = 8


class Pace:
    """Lets requests begin, in the order in which they came."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """`at_once` begin in one turn."""
        self._at_once = at_once
        self._begun = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """Say how many wait for another turn."""
        return len(self._waiting)

    async def begin(self) -> None:
        """Wait for a turn that has room; mostly that is this one."""
        if self._begun < self._at_once:
            self._count()
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _count(self) -> None:
        if not self._begun:
            asyncio.get_running_loop().call_soon(self._begin_turn)
        self._begun += 1

    def _begin_turn(self) -> None:
        self._begun = 0
        while self._waiting and self._begun < self._at_once:
            turn = self._waiting.popleft()
            # Else its caller went away.
            if not turn.done():
                turn.set_result(None)
                self._count()
