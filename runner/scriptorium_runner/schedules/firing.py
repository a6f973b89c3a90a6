"""A slot's turn: the slots that are due are judged, one is given its run, the others are recorded.

Nothing here depends on who fires, a Job's pod, a runner of the pool or a session on one's machine, or on
being the only one that does: its name makes each run one, and a record counts only if nobody else wrote
meanwhile.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from scriptorium_api import cron_runs, ending, slot_records, slot_verdicts
from scriptorium_api.cron_runs import Firer
from scriptorium_api.cron_script import (
    ConcurrencyPolicy,
    CronScript,
    CronScriptSpec,
    CronScriptStatus,
    Executor,
)
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.slot_records import Recorded
from scriptorium_api.slot_verdicts import Facts, Verdict
from scriptorium_api.values import frozen
from scriptorium_runner.executions.errors import NoRoom, Superseded, Unreachable, Vanished
from scriptorium_runner.schedules import decide
from scriptorium_runner.schedules.ports import Calendar

log = logging.getLogger(__name__)

#: A run that another one replaces is stopped within a moment; one whose runner does not answer is not waited
#: for longer.
REPLACED_SECONDS = 10.0

_LOOK_SECONDS = 0.2

#: How often, and how long apart, it is tried to find out whether a new run has to yield to another.
_MOST_TRIES, _TRY_SECONDS = 5, 1.0


@frozen(kw_only=True)
class Turn:
    """What comes to its turn, and when."""

    now: datetime
    """When the turn came; for a Job's pod, when its Job was made."""
    slot: datetime | None = None
    """The slot that was fired; None to see to all that are due."""
    firer: Firer | None = None
    """The Job that fires it; None for a runner of the pool."""
    former: CronScriptSpec | None = None
    """By which terms slots were run until now, where the schedule was just changed and nothing is fired."""


@frozen
class Fired:
    """What came of a turn."""

    run: ScriptExecution | None = None
    """The run that was made, or that the same Job had made before and that has not ended."""
    cron_script: CronScript | None = None
    """What the run is of, as it was judged by."""
    is_waiting: bool = False
    """Slots that are due, or the Job's own, wait for the end of a run, and have to be seen to then."""


async def fire(calendar: Calendar, cron_script: CronScript, turn: Turn) -> Fired:
    """See to the slots that are due; raises BoardError, and Vanished if the CronScript is gone."""
    return await fire_as_read(calendar, await calendar.read_cron_script(cron_script), turn)


async def fire_as_read(calendar: Calendar, current: CronScript, turn: Turn) -> Fired:
    """Do the same by a CronScript that was read a moment ago; what is older must be read anew."""
    run: ScriptExecution | None = None
    since: datetime | None = None
    while True:
        runs = await calendar.list_runs(current)
        if run is None and turn.firer is not None:
            unfinished = decide.list_unfinished(current, runs)
            if decide.is_run_elsewhere(unfinished, turn.slot, turn.firer):
                return Fired(is_waiting=True)
            run = _find_made(current, unfinished, turn.slot, turn.firer)
        facts = decide.gather(current, runs, turn.now)
        if facts is None:
            return Fired(run, current if run else None)
        since = since or facts.accounted_until
        verdict = _judge(facts, turn, has_run=run is not None)
        if verdict.runs:
            since = facts.accounted_until
            run, verdict = await _make_or_refuse(calendar, current, runs, verdict, turn.firer)
        try:
            await _record(calendar, current, slot_records.record(current.status, facts, verdict), verdict)
        except Superseded:
            # Somebody else judged slots meanwhile, or changed the schedule: what is known is old.
            current = await calendar.read_cron_script(current)
            continue
        if run is None:
            return Fired(is_waiting=verdict.is_waiting)
        if turn.firer is not None and not decide.is_made_by(run, turn.firer):
            # It was made by another at the same moment, who runs it.
            return Fired(is_waiting=True)
        if await _yields(calendar, current, run, _find_recorded(run, since, facts)):
            # A Job's run may have yielded to one that the same Job made before and had not seen.
            return Fired(is_waiting=verdict.is_waiting or turn.firer is not None)
        return Fired(run, current, verdict.is_waiting)


def _find_recorded(run: ScriptExecution, since: datetime, facts: Facts) -> Recorded | None:
    """Give how the run came to be recorded; None of one that was found, and may have been recorded before."""
    slot = decide.find_slot(run)
    return Recorded(since, facts.accounted_until) if slot is not None and slot > since else None


def _find_made(
    cron_script: CronScript, unfinished: list[ScriptExecution], slot: datetime | None, firer: Firer
) -> ScriptExecution | None:
    run = decide.find_made(unfinished, slot, firer)
    if run is None and cron_script.spec.executor is Executor.POOL:
        raise Vanished(f"CronScript {cron_script.metadata.name} is run by the pool now")
    return run


def _judge(facts: Facts, turn: Turn, *, has_run: bool) -> Verdict:
    if turn.former is not None:
        return decide.judge_change(facts, turn.former)
    return decide.judge_rest(facts) if has_run else decide.judge(facts, turn.slot)


async def _make_or_refuse(
    calendar: Calendar,
    cron_script: CronScript,
    runs: Sequence[ScriptExecution],
    verdict: Verdict,
    firer: Firer | None,
) -> tuple[ScriptExecution | None, Verdict]:
    """Make the run of the slot whose turn it is; one for which a quota has no room is recorded."""
    try:
        return await _make(calendar, cron_script, runs, verdict, firer), verdict
    except NoRoom as full:
        if verdict.is_waiting:
            # It is not counted before those behind it are; by then there may be room.
            raise
        return None, slot_verdicts.refuse_first(verdict, str(full))


async def _make(
    calendar: Calendar,
    cron_script: CronScript,
    runs: Sequence[ScriptExecution],
    verdict: Verdict,
    firer: Firer | None,
) -> ScriptExecution:
    """Make the run of the slot whose turn it is, once those have ended that it replaces."""
    manifest = cron_runs.build_run(cron_script, verdict.runs[0], firer)
    replaced = [each for each in runs if each.metadata.name in verdict.replaces]
    for each in replaced:
        await _replace(calendar, each, manifest["metadata"]["name"])
    await _wait_for_end(calendar, replaced)
    return (await calendar.make_run(manifest)).run


async def _record(
    calendar: Calendar, cron_script: CronScript, status: CronScriptStatus, verdict: Verdict
) -> None:
    """Write down what was judged, once there are the runs of what is to be run."""
    if status != cron_script.status:
        await calendar.record(cron_script, status)
    for miss in verdict.misses:
        told = {"cronScript": cron_script.metadata.name, "reason": miss.reason.value, "count": miss.count}
        log.info("slots not run", extra=told | {"scheduledTime": miss.scheduled_time.isoformat()})


async def _yields(
    calendar: Calendar, cron_script: CronScript, run: ScriptExecution, recorded: Recorded | None
) -> bool:
    """End a run that was made at the same moment as another, where only one may be."""
    if cron_script.spec.concurrency_policy is not ConcurrencyPolicy.FORBID or run.status.attempt:
        return False
    for left in reversed(range(_MOST_TRIES)):
        try:
            return await _give_way(calendar, cron_script, run, recorded)
        except Unreachable as error:
            # The slot is judged by now, so there may be no other turn to see to this.
            if not left:
                raise
            await asyncio.sleep(max(_TRY_SECONDS, error.retry_after or 0.0))
    return False


async def _give_way(
    calendar: Calendar, cron_script: CronScript, run: ScriptExecution, recorded: Recorded | None
) -> bool:
    while True:
        runs = await calendar.list_runs(cron_script)
        own = next((each for each in runs if each.metadata.uid == run.metadata.uid), None)
        if own is None or own.status.phase.is_terminal:
            return False
        rival = decide.find_rival(cron_script, own, runs, recorded)
        if rival is None:
            return False
        try:
            await calendar.write_status(own, ending.build_yield(own, rival.metadata.name))
        except Superseded:
            # It was taken meanwhile, as the other may have been too: who is first may be another one now.
            continue
        except Vanished:
            return False
        return True


async def _replace(calendar: Calendar, run: ScriptExecution, by: str) -> None:
    """Have a run cancelled for a later slot; whoever holds it sees that in its status."""
    try:
        while not run.status.phase.is_terminal and run.status.replaced_by is None:
            try:
                status = run.status.model_copy(update={"replaced_by": by})
                await calendar.write_status(run, status)
                return
            except Superseded:
                run = await calendar.read(run)
    except Vanished:
        return


async def _wait_for_end(calendar: Calendar, runs: Sequence[ScriptExecution]) -> None:
    left = list(runs)
    try:
        async with asyncio.timeout(REPLACED_SECONDS):
            while left:
                left = [run for run in left if not await _has_ended(calendar, run)]
                if left:
                    await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        names = ", ".join(run.metadata.name for run in left)
        log.warning("replaced runs have not ended yet", extra={"runs": names})


async def _has_ended(calendar: Calendar, run: ScriptExecution) -> bool:
    try:
        return (await calendar.read(run)).status.phase.is_terminal
    except Vanished:
        return True
