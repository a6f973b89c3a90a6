import asyncio
import dataclasses

from scriptorium_operator.context import Context
from scriptorium_operator.decide.admission import UNKNOWN
from scriptorium_operator.facts import SyntaxFault
from scriptorium_operator.services import admission


async def test_a_checker_that_does_not_answer_in_time_holds_nobody_up(context: Context) -> None:
    class Stuck:
        async def find_fault(self, source: str) -> SyntaxFault | None:
            await asyncio.Event().wait()
            raise AssertionError

    stuck = dataclasses.replace(context, syntax=Stuck())  # type: ignore[arg-type]
    assert await admission.judge_source(stuck, "return 1", patience_seconds=0.01) == UNKNOWN
