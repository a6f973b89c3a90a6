"""The syntax checker: no process that holds a token parses user source, so a sealed worker does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scriptorium_operator.errors import SandboxIncomplete, SyntaxCheckFailed
from scriptorium_operator.facts import SyntaxFault
from scriptorium_runner.engine import Engine, EngineError, EngineSettings, Seal, SealMissing


class SyntaxChecker:
    """Tells whether a source is JavaScript."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find_fault(self, source: str) -> SyntaxFault | None:
        """Give the first syntax error, or None; raises SyntaxCheckFailed if there is no verdict."""
        try:
            error = await self._engine.validate_syntax(source)
        except EngineError as failure:
            raise SyntaxCheckFailed(str(failure)) from failure
        if error is None:
            return None
        if error.name != "SyntaxError":
            # Out of time, out of memory or a crash: that says nothing about the source yet.
            raise SyntaxCheckFailed(f"{error.name}: {error.message}")
        return SyntaxFault(error.message, error.line, error.column)


@asynccontextmanager
async def open_syntax_checker(
    workers: int, *, requires_landlock: bool = True
) -> AsyncIterator[SyntaxChecker]:
    """Give a syntax checker with so many warm workers, as long as the context lasts.

    Raises SandboxIncomplete where those cannot be sealed.
    """
    seal = Seal.FULL if requires_landlock else Seal.LANDLOCK_OPTIONAL
    engine = Engine(EngineSettings(pool_size=workers, spare_workers=1, seal=seal))
    try:
        await engine.start()
    except SealMissing as missing:
        raise SandboxIncomplete(str(missing)) from missing
    try:
        yield SyntaxChecker(engine)
    finally:
        await engine.shutdown()
