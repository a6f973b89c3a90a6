"""How often a provider is asked for its keys, and what serves while it is away."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from scriptorium_runner.endpoints.auth import KeysUnavailable, key_sets
from scriptorium_runner.endpoints.auth.key_sets import Fetched, KeySets
from tests.support.waiting import until_async

URI = "https://id.example.com/keys"


class Clock:
    """Stands still unless it is told to go."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Provider:
    """Answers with a set that tells how often it was asked."""

    def __init__(self, max_age: float | None = None) -> None:
        self.asked = 0
        self.max_age = max_age
        self.is_away = False
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def __call__(self, uri: str) -> Fetched:
        self.asked += 1
        asked = self.asked
        await self.is_open.wait()
        if self.is_away:
            raise KeysUnavailable("it is away")
        return Fetched({"keys": [asked]}, self.max_age)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def ask(sets: KeySets, *, anew: bool = False) -> Any:
    return (await sets.fetch_keys(URI, anew=anew))["keys"][0]


@pytest.mark.parametrize(
    ("max_age", "kept"), [(None, 600), (0, 60), (59, 60), (300, 300), (3600, 3600), (86400, 3600)]
)
async def test_keys_are_kept_as_long_as_the_provider_says_within_bounds(
    clock: Clock, max_age: float | None, kept: float
) -> None:
    async with KeySets(Provider(max_age), clock) as sets:
        assert await ask(sets) == 1
        clock.now += kept - 1
        assert await ask(sets) == 1
        clock.now += 1
        assert await ask(sets) == 2


async def test_who_comes_together_waits_for_one_answer(clock: Clock) -> None:
    provider = Provider()
    provider.is_open.clear()
    async with KeySets(provider, clock) as sets:
        callers = [asyncio.create_task(ask(sets, anew=number % 2 == 1)) for number in range(20)]
        await until_async(is_true(lambda: provider.asked == 1))
        provider.is_open.set()
        assert await asyncio.gather(*callers) == [1] * 20
    assert provider.asked == 1


async def test_who_gives_up_does_not_take_the_answer_from_the_others(clock: Clock) -> None:
    provider = Provider()
    provider.is_open.clear()
    async with KeySets(provider, clock) as sets:
        first, second = asyncio.create_task(ask(sets)), asyncio.create_task(ask(sets))
        await until_async(is_true(lambda: provider.asked == 1))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        provider.is_open.set()
        assert await second == 1


async def test_unknown_kids_ask_at_most_every_30_seconds(clock: Clock) -> None:
    async with KeySets(Provider(), clock) as sets:
        assert await ask(sets) == 1
        answers = []
        for _ in range(121):
            answers.append(await ask(sets, anew=True))
            clock.now += 1
        assert max(answers) == 5
        assert answers[29:31] == [1, 2]


async def test_each_provider_is_asked_for_itself(clock: Clock) -> None:
    provider = Provider()
    async with KeySets(provider, clock) as sets:
        await sets.fetch_keys(URI)
        await sets.fetch_keys(URI + "/other", anew=True)
    assert provider.asked == 2


async def test_a_provider_that_was_never_there_is_asked_again_after_a_while(clock: Clock) -> None:
    provider = Provider()
    provider.is_away = True
    async with KeySets(provider, clock) as sets:
        for anew in (False, False, True):
            with pytest.raises(KeysUnavailable, match="away"):
                await ask(sets, anew=anew)
        assert provider.asked == 1
        provider.is_away = False
        clock.now += key_sets.RETRY_SECONDS
        assert await ask(sets) == 2


async def test_the_last_keys_serve_for_a_day_while_the_provider_is_away(clock: Clock) -> None:
    provider = Provider()
    async with KeySets(provider, clock) as sets:
        await ask(sets)
        provider.is_away = True
        got = clock.now
        while clock.now < got + 24 * 3600:
            assert await ask(sets) == 1
            clock.now += 599
        with pytest.raises(KeysUnavailable, match="away"):
            await ask(sets)
        provider.is_away = False
        clock.now += key_sets.RETRY_SECONDS
        assert await ask(sets) > 1


async def test_a_provider_that_is_away_is_not_asked_at_every_call(clock: Clock) -> None:
    provider = Provider()
    async with KeySets(provider, clock) as sets:
        await ask(sets)
        provider.is_away = True
        clock.now += 600
        for _ in range(10):
            await ask(sets)
            await ask(sets, anew=True)
        assert provider.asked == 2


async def test_a_provider_that_hangs_keeps_nobody_whose_keys_are_known(clock: Clock) -> None:
    provider = Provider()
    async with KeySets(provider, clock, patience_seconds=0) as sets:
        await ask(sets)
        provider.is_open.clear()
        clock.now += 600
        assert [await ask(sets), await ask(sets, anew=True)] == [1, 1]
        assert provider.asked == 2
        provider.is_open.set()

        async def has_news() -> bool:
            return bool(await ask(sets) == 2)

        await until_async(has_news)


async def test_what_is_under_way_ends_with_the_runner(clock: Clock) -> None:
    provider = Provider()
    provider.is_open.clear()
    async with KeySets(provider, clock) as sets:
        caller = asyncio.create_task(ask(sets))
        await until_async(is_true(lambda: provider.asked == 1))
    with pytest.raises(KeysUnavailable):
        await caller


async def test_the_providers_that_nobody_names_any_more_are_forgotten(clock: Clock) -> None:
    provider = Provider()
    async with KeySets(provider, clock) as sets:
        for number in range(1000):
            await sets.fetch_keys(f"{URI}/{number}")
        assert len(sets._known) <= 256


def is_true(condition: Callable[[], bool]) -> Callable[[], Any]:
    async def ask_condition() -> bool:
        return condition()

    return ask_condition
