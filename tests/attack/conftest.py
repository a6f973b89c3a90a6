"""An engine whose workers are broken into, and what every attack has to leave unharmed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from scriptorium_runner.engine import Engine, EngineSettings, Limits, Program, Result, zygote_process
from tests.unit.runner.engine.processes import find_descendants, find_newest_zygote, find_running

BREACHED = Path(__file__).parent / "breached_zygote.py"

Attack = Callable[..., Awaitable[Result]]


@pytest_asyncio.fixture(name="breached", scope="session", loop_scope="session")
async def make_breached_engine() -> AsyncIterator[Engine]:
    """Give an engine whose workers run Python under the seal."""
    engine = Engine(EngineSettings(pool_size=2, spare_workers=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zygote_process, "COMMAND", [*zygote_process.COMMAND[:2], str(BREACHED)])
        await engine.start()
    zygote = find_newest_zygote()
    yield engine
    assert zygote in find_running(), "the zygote was ended"
    await engine.shutdown()
    assert not {zygote, *find_descendants(zygote)} & find_running()


@pytest.fixture(name="attack")
def make_attack(breached: Engine) -> Attack:
    """Give a way to run Python in a sealed worker; supervisor and next run must be unharmed by it."""

    async def attack(source: str, **limits: float) -> Result:
        program = Program(source=source, owner="attacker")
        result = await breached.execute(program, {}, Limits(**({"timeout_seconds": 20} | limits)))
        assert breached.is_working
        after = await breached.execute(Program(source="answer = 'clean'", owner="victim"), {}, Limits())
        assert after.output == {"answer": "clean"}
        return result

    return attack
