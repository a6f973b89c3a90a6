"""One engine for all tests of the sandbox, and a short way to run a script on it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from scriptorium_runner.engine import (
    Engine,
    EngineSettings,
    HostCalls,
    HttpRequest,
    Lane,
    Limits,
    Program,
    Result,
)

CONTEXT = {
    "tenant": {"id": "t-1", "name": "shop", "organizationId": "org-9"},
    "user": {"id": "u-7", "name": "Ada", "email": "ada@example.org"},
    "script": {"id": "s-1", "name": "greet", "type": "one_off", "version": 3},
    "execution": {"id": "e-1", "triggeredBy": "manual", "attempt": 1, "scheduledTime": None},
    "input": {"order": {"items": [1, 2, 3]}},
}

Run = Callable[..., Awaitable[Result]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(EngineSettings(pool_size=3))
    await engine.start()
    yield engine
    await engine.shutdown()


@pytest.fixture(name="run")
def make_run(engine: Engine) -> Run:
    async def run(
        source: str,
        *,
        entrypoint: str | None = None,
        context: dict[str, Any] | None = None,
        owner: str = "tests",
        env: dict[str, str] | None = None,
        host: HostCalls | None = None,
        cancelled: asyncio.Event | None = None,
        request: HttpRequest | None = None,
        **limits: Any,
    ) -> Result:
        program = Program(
            source=source,
            entrypoint=entrypoint,
            owner=owner,
            env=env or {},
            request=request,
            lane=Lane.QUEUED if request is None else Lane.HTTP,
        )
        return await engine.execute(
            program,
            CONTEXT | (context or {}),
            Limits(**({"timeout_seconds": 20} | limits)),
            host=host,
            cancelled=cancelled,
        )

    return run
