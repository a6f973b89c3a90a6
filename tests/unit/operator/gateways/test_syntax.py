"""The real engine behind the gateway: it needs no cluster."""

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scriptorium_operator.errors import SandboxIncomplete, SyntaxCheckFailed
from scriptorium_operator.facts import SyntaxFault
from scriptorium_operator.gateways.syntax import SyntaxChecker, open_syntax_checker
from scriptorium_runner.engine import PoolClosed, ScriptError
from scriptorium_runner.engine.workers import zygote_start


@pytest_asyncio.fixture
async def checker() -> AsyncIterator[SyntaxChecker]:
    async with open_syntax_checker(1) as found:
        yield found


class FakeEngine:
    def __init__(self, outcome: ScriptError | Exception) -> None:
        self.outcome = outcome

    async def validate_syntax(self, source: str) -> ScriptError:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_javascript_has_no_fault(checker: SyntaxChecker) -> None:
    assert await checker.find_fault("const answer = await 42; return {answer}") is None


async def test_a_fault_has_line_and_column(checker: SyntaxChecker) -> None:
    fault = await checker.find_fault("let a = 1\nlet x = ;")
    assert fault is not None
    assert (fault.line, fault.column) == (2, 9)


async def test_code_is_not_run(checker: SyntaxChecker) -> None:
    assert await checker.find_fault("while (true) {}") is None


@pytest.mark.parametrize(
    "outcome",
    [
        PoolClosed(),
        ScriptError(name="EngineCrash", message="x"),
        ScriptError(name="ExecutionTimeout", message="x"),
    ],
)
async def test_what_says_nothing_about_the_source_is_a_failure(outcome: ScriptError | Exception) -> None:
    with pytest.raises(SyntaxCheckFailed):
        await SyntaxChecker(FakeEngine(outcome)).find_fault("return 1")  # type: ignore[arg-type]


async def test_a_syntax_error_is_passed_on_with_its_place() -> None:
    engine = FakeEngine(ScriptError(name="SyntaxError", message="bad", line=1, column=2))
    found = await SyntaxChecker(engine).find_fault("x")  # type: ignore[arg-type]
    assert found == SyntaxFault("bad", 1, 2)


async def test_where_nothing_can_be_sealed_no_source_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    patch = "environment.is_wiped = bool"  # Which says no.
    engine = "scriptorium_runner.engine"
    imports = f"from {engine}.inside import zygote; from {engine}.seal import environment"
    zygote = f"{imports}; {patch}; zygote.main()"
    monkeypatch.setattr(zygote_start, "COMMAND", [sys.executable, "-I", "-c", zygote])
    with pytest.raises(SandboxIncomplete, match="the sandbox lacks what it requires: environment"):
        async with open_syntax_checker(1):
            pass
