"""An operator whose cluster, syntax checker and clock are the test's own."""

import pytest

from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind
from scriptorium_operator.services.leadership import Leadership
from scriptorium_operator.settings import RunnerSettings, Settings
from tests.unit.operator.fakes import Clock, FakeCluster, FakeSyntax, RecordedWork


def leading() -> Leadership:
    """A leadership that lasts."""
    leadership = Leadership(lambda: 0.0)
    leadership.hold(0.0)
    return leadership


@pytest.fixture
def settings() -> Settings:
    return Settings(runner=RunnerSettings(image="example.org/scriptorium:1"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def syntax() -> FakeSyntax:
    return FakeSyntax()


@pytest.fixture
def context(settings: Settings, cluster: FakeCluster, syntax: FakeSyntax, clock: Clock) -> Context:
    made = Context(
        settings=settings,
        cluster=cluster,  # type: ignore[arg-type]
        syntax=syntax,  # type: ignore[arg-type]
        leadership=leading(),
        work=RecordedWork(),
        now=clock,
    )
    # As after the first list of Scripts, Endpoints and pools; a test of what is before it says so.
    made.inventory.in_sync |= {Kind.SCRIPT, Kind.ENDPOINT, Kind.RUNNER_POOL}
    return made
