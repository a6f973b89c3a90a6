"""Callers that come by chance at a part of what the sandbox can do: how many find a warm worker."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from bench.figures import Figures, summarize

Call = Callable[[int], Awaitable[None]]


async def measure_capacity(call: Call, clients: int, seconds: float) -> float:
    """Give how many calls a second so many clients get done, each with one after the other."""
    until = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_call_until(call, client, until) for client in range(clients)))
    return sum(counts) / seconds


async def measure_steady(call: Call, rate: float, seconds: float) -> Figures:
    """Make calls at random moments, so many a second, and wait for all of them."""
    chance = random.Random(1)  # noqa: S311 - the same moments each time.
    latencies: list[float] = []
    started = time.perf_counter()
    due, calls = started, list[asyncio.Task[None]]()
    while (due := due + chance.expovariate(rate)) < started + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        calls.append(asyncio.create_task(_time(call, len(calls), due, latencies)))
    await asyncio.gather(*calls)
    return summarize(latencies, time.perf_counter() - started)


async def _time(call: Call, number: int, due: float, latencies: list[float]) -> None:
    await call(number)
    latencies.append(time.perf_counter() - due)


async def _call_until(call: Call, client: int, until: float) -> int:
    count = 0
    while time.perf_counter() < until:
        await call(client)
        count += 1
    return count
