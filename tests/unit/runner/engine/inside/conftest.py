"""Zygotes in which something is spoilt, to see that it is noticed and done without."""

import sys
from collections.abc import Callable

import pytest

from scriptorium_runner.engine.workers import zygote_start

SPOILT = """
import sys
sys.path.insert(0, {engine!r})
from scriptorium_runner.engine.inside import bytecode, randomness, snapshot, worlds, zygote
{fault}
zygote.main()
"""


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the zygotes of this test begin with a line that spoils something."""

    def spoil(fault: str) -> None:
        # Not before the engine was chosen: this file may be read first.
        from scriptorium_runner.engine.inside import native

        engine = native.LIBRARY.rpartition("/")[0]
        command = [sys.executable, "-I", "-c", SPOILT.format(engine=engine, fault=fault)]
        monkeypatch.setattr(zygote_start, "COMMAND", command)

    return spoil
