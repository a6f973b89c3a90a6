"""One engine for all tests of what is served."""

from collections.abc import AsyncIterator

import pytest_asyncio

from scriptorium_runner.engine import Engine, EngineSettings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(EngineSettings(pool_size=3))
    await engine.start()
    engine.reserve_for_http(is_served=True)
    yield engine
    await engine.shutdown()
