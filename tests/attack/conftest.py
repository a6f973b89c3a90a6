"""Each file is a family: its ATTACKS run once, all at the same time; the tests look at what came of it."""

import asyncio

import pytest

from tests.attack import stage
from tests.attack.stage import Scene


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each attack of the file."""
    if "attack" in metafunc.fixturenames:
        metafunc.parametrize("attack", metafunc.module.ATTACKS)


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest) -> Scene:
    """Give what came of the attacks of the file."""
    return asyncio.run(stage.play(request.module.ATTACKS))
