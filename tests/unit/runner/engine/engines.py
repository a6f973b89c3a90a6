"""Engines of a test's own."""

import contextlib
from collections.abc import AsyncIterator

from scriptorium_runner.engine import Engine, EngineSettings, Limits, Program, Result

HANG = "console.log('started'); [].reverse.call({length: 2 ** 53 - 1})"


@contextlib.asynccontextmanager
async def make_engine(**settings: float) -> AsyncIterator[Engine]:
    engine = Engine(EngineSettings(**settings))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.shutdown()


async def run(engine: Engine, source: str = "return 1", owner: str = "a", seconds: float = 20) -> Result:
    return await engine.execute(Program(source=source, owner=owner), {}, Limits(timeout_seconds=seconds))
