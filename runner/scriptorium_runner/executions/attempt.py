"""One run in the hands of this runner: its status is written until it is known to be written."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.errors import Refused, Superseded, Unreachable, Vanished
from scriptorium_runner.executions.ports import Board

log = logging.getLogger(__name__)

#: The first pause and the longest between tries: what is finished is settled soon after an outage.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0

#: For so long a claim is tried again as it is; Scripts, cancels and deadlines may have changed by then.
CLAIM_SECONDS = 10.0


async def claim(board: Board, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution | None:
    """Take the run for the holder that the status names; give it as claimed, or None if another was first.

    Raises Unreachable when that took longer than CLAIM_SECONDS: the claim was made of old facts by then,
    and has been taken back if it arrived.
    """
    pause, begun = FIRST_PAUSE, time.monotonic()
    while True:
        try:
            return await board.write_status(execution, status)
        except Superseded:
            return await _find_held(board, execution, status)
        except Vanished:
            return None
        except Unreachable as error:
            if time.monotonic() - begun > CLAIM_SECONDS:
                await _take_back(board, execution, status)
                raise
            pause = await _wait(pause, error)


async def _take_back(board: Board, execution: ScriptExecution, status: ExecutionStatus) -> None:
    """Undo a claim of which nobody knows whether it arrived."""
    if claimed := await _find_held(board, execution, status):
        await settle(board, claimed, statuses.build_returned)


async def settle(
    board: Board, held: ScriptExecution, build: Callable[[ScriptExecution], ExecutionStatus]
) -> ExecutionStatus | None:
    """Write the end of a run that this runner holds, however long it takes; None if it was taken away.

    `build` makes the status from the run as it is at that moment. What is given is what was written.
    """
    pause, problem = FIRST_PAUSE, ""
    current: ScriptExecution | None = held
    while current is not None:
        status = statuses.build_refused(current, problem, datetime.now(UTC)) if problem else build(current)
        try:
            await board.write_status(current, status)
            return status
        except Superseded:
            current = await _find_held(board, current, held.status)
        except Vanished:
            return None
        except Refused as error:
            # A run must end, even if what it left behind cannot be stored.
            log.exception("status refused, settling without the result", extra={"uid": held.metadata.uid})
            pause = pause if not problem else await _wait(pause, Unreachable(str(error)))
            problem = str(error)
        except Unreachable as error:
            pause = await _wait(pause, error)
    return None


async def _find_held(
    board: Board, execution: ScriptExecution, status: ExecutionStatus
) -> ScriptExecution | None:
    """Give the run as it is now if phase, holder and attempt are still those of the status, else None."""
    pause = FIRST_PAUSE
    while True:
        try:
            current = await board.read(execution)
        except Vanished:
            return None
        except Unreachable as error:
            pause = await _wait(pause, error)
            continue
        return current if _hold(current.status) == _hold(status) else None


def _hold(status: ExecutionStatus) -> tuple[Phase, Holder | None, int]:
    return status.phase, status.runner, status.attempt


async def _wait(pause: float, error: Unreachable) -> float:
    log.warning("cannot write a status, trying again", extra={"error": str(error), "pause": pause})
    jitter = random.uniform(0.5, 1)  # noqa: S311 - spreads retries, guards nothing.
    await asyncio.sleep(max(error.retry_after or 0, pause * jitter))
    return min(pause * 2, LONGEST_PAUSE)
