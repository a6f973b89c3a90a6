"""One engine for all tests of the page."""

from collections.abc import AsyncIterator

import pytest_asyncio

from scriptorium_runner.engine import Engine, EngineSettings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(EngineSettings(pool_size=2))
    await engine.start()
    yield engine
    await engine.shutdown()
