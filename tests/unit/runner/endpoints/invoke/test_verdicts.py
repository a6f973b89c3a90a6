"""How long what the API server said of a token counts."""

import asyncio

import pytest

from scriptorium_runner.endpoints.invoke import verdicts
from scriptorium_runner.endpoints.invoke.ports import Admitted, Forbidden, ReviewFailed, Unknown
from scriptorium_runner.endpoints.invoke.verdicts import Verdicts
from tests.support.waiting import until_async
from tests.unit.runner.web.stage import ADA, TOKEN, FakeReviewer

HERE = "192.0.2.1"


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_token_is_asked_about_once_in_ten_seconds(clock: Clock) -> None:
    reviewer = FakeReviewer()
    known = Verdicts(reviewer, clock)
    assert [await known.judge(TOKEN, HERE) for _ in range(3)] == [Admitted(ADA)] * 3
    clock.now += verdicts.ADMITTED_SECONDS - 0.1
    await known.judge(TOKEN, HERE)
    assert len(reviewer.asked) == 1
    clock.now += 0.1
    reviewer.verdicts = {}
    assert await known.judge(TOKEN, HERE) == Unknown()


@pytest.mark.parametrize("refusal", [Unknown(), Forbidden("eve")])
async def test_a_refusal_counts_for_a_shorter_time(clock: Clock, refusal: Unknown | Forbidden) -> None:
    reviewer = FakeReviewer({TOKEN: refusal})
    known = Verdicts(reviewer, clock)
    assert [await known.judge(TOKEN, HERE) for _ in range(2)] == [refusal] * 2
    clock.now += verdicts.REFUSED_SECONDS
    reviewer.verdicts = {TOKEN: Admitted(ADA)}
    assert await known.judge(TOKEN, HERE) == Admitted(ADA)
    assert len(reviewer.asked) == 2


async def test_the_time_runs_from_the_question_and_not_from_the_answer(clock: Clock) -> None:
    reviewer = FakeReviewer(hold=asyncio.Event())
    known = Verdicts(reviewer, clock)
    asking = asyncio.create_task(known.judge(TOKEN, HERE))
    await until_async(lambda: len(reviewer.asked) == 1)
    clock.now += verdicts.ADMITTED_SECONDS
    assert reviewer.hold
    reviewer.hold.set()
    await asking
    await known.judge(TOKEN, HERE)
    assert len(reviewer.asked) == 2


async def test_a_failure_is_not_remembered(clock: Clock) -> None:
    reviewer = FakeReviewer(failure=ReviewFailed("away"))
    known = Verdicts(reviewer, clock)
    with pytest.raises(ReviewFailed):
        await known.judge(TOKEN, HERE)
    reviewer.failure = None
    assert await known.judge(TOKEN, HERE) == Admitted(ADA)


async def test_many_callers_with_one_token_are_one_question(clock: Clock) -> None:
    reviewer = FakeReviewer(hold=asyncio.Event())
    known = Verdicts(reviewer, clock)
    asking = [asyncio.create_task(known.judge(TOKEN, HERE)) for _ in range(50)]
    await until_async(lambda: len(reviewer.asked) == 1)
    # The first to ask goes away; the others get their answer nevertheless.
    asking[0].cancel()
    await asyncio.gather(asking[0], return_exceptions=True)
    assert reviewer.hold
    reviewer.hold.set()
    assert await asyncio.gather(*asking[1:]) == [Admitted(ADA)] * 49
    assert len(reviewer.asked) == 1


async def test_made_up_tokens_do_not_keep_the_api_server_busy(clock: Clock) -> None:
    reviewer = FakeReviewer(hold=asyncio.Event())
    known = Verdicts(reviewer, clock)
    asking = [
        asyncio.create_task(known.judge(f"t{number}", f"10.0.0.{number}"))
        for number in range(verdicts.MOST_REVIEWS)
    ]
    await until_async(lambda: len(reviewer.asked) == verdicts.MOST_REVIEWS)
    with pytest.raises(ReviewFailed) as caught:
        await known.judge("one.more", HERE)
    assert caught.value.retry_after == 1
    assert reviewer.hold
    reviewer.hold.set()
    await asyncio.gather(*asking)
    assert await known.judge("one.more", HERE) == Unknown()


async def test_tokens_that_are_made_up_keep_nobody_elsewhere_from_being_asked_about(clock: Clock) -> None:
    reviewer = FakeReviewer(hold=asyncio.Event())
    known = Verdicts(reviewer, clock)
    asking = [asyncio.create_task(known.judge(f"t{number}", HERE)) for number in range(verdicts.MOST_REVIEWS)]
    await until_async(lambda: sum(each.done() for each in asking) > 0)
    elsewhere = asyncio.create_task(known.judge(TOKEN, "192.0.2.2"))
    await until_async(lambda: TOKEN in reviewer.asked)
    assert len(reviewer.asked) == verdicts.MOST_OF_ONE + 1
    assert reviewer.hold
    reviewer.hold.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(each, ReviewFailed) for each in told) == len(asking) - verdicts.MOST_OF_ONE
    assert await elsewhere == Admitted(ADA)
    assert await known.judge("one.more", HERE) == Unknown()


async def test_tokens_that_are_made_up_push_nobody_out_who_may_call(clock: Clock) -> None:
    reviewer = FakeReviewer()
    known = Verdicts(reviewer, clock)
    await known.judge(TOKEN, HERE)
    for number in range(verdicts.MOST_VERDICTS + 1):
        await known.judge(f"token-{number}", HERE)
    assert await known.judge(TOKEN, HERE) == Admitted(ADA)
    assert reviewer.asked.count(TOKEN) == 1


async def test_what_is_remembered_is_bounded_and_holds_no_token(clock: Clock) -> None:
    known = Verdicts(FakeReviewer(), clock)
    for number in range(verdicts.MOST_VERDICTS + 10):
        await known.judge(f"token-{number}", HERE)
    assert len(known) == verdicts.MOST_VERDICTS
    kept = {name: value for name, value in vars(known).items() if name != "_reviewer"}
    assert {"_admitted", "_refused"} <= kept.keys()
    assert "token-" not in repr(kept)


async def test_a_question_ends_with_the_runner(clock: Clock) -> None:
    reviewer = FakeReviewer(hold=asyncio.Event())
    known = Verdicts(reviewer, clock)
    asking = asyncio.create_task(known.judge(TOKEN, HERE))
    await until_async(lambda: len(reviewer.asked) == 1)
    await known.stop()
    with pytest.raises(asyncio.CancelledError):
        await asking
