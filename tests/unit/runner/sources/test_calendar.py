"""The cluster as a calendar: who is told of runs, and whose they are."""

from typing import Any, cast

import pytest

from scriptorium_api import cron_runs
from scriptorium_api.execution import ScriptExecution
from scriptorium_client import Client, Conflict, Forbidden, NotFound
from scriptorium_client.client import Manifest
from scriptorium_runner.executions.errors import NoRoom, Refused, Unreachable
from scriptorium_runner.sources.calendar import ClusterCalendar
from tests.support.makers import NOW
from tests.unit.runner.schedules.fakes import make_cron_script

RUN = cron_runs.build_run(make_cron_script(), NOW, None)


class OneName:
    """Holds at most one run."""

    def __init__(self, stored: Manifest | None = None) -> None:
        self._stored = stored

    async def create(self, manifest: Manifest, *_: Any) -> Manifest:
        if self._stored is not None:
            raise Conflict("it exists already")
        self._stored = store(manifest)
        return self._stored

    async def get(self, *_: Any) -> Manifest:
        assert self._stored is not None
        return self._stored


def store(manifest: Manifest) -> Manifest:
    return manifest | {"metadata": manifest["metadata"] | {"uid": "run-1", "resourceVersion": "1"}}


def make_calendar(server: OneName) -> tuple[ClusterCalendar, list[ScriptExecution]]:
    made: list[ScriptExecution] = []
    return ClusterCalendar(cast("Client", server), "team", made.append), made


async def test_a_run_is_made_once_and_told_by_who_made_it() -> None:
    server = OneName()
    for is_new, expected in ((True, ["run-1"]), (False, [])):
        calendar, told = make_calendar(server)
        made = await calendar.make_run(RUN)
        assert (made.run.metadata.uid, made.is_new) == ("run-1", is_new)
        assert [run.metadata.uid for run in told] == expected


class FullNamespace(OneName):
    """Refuses each run for a conflict over something else, and holds none."""

    async def create(self, *_: Any) -> Manifest:
        raise Conflict("Operation cannot be fulfilled on resourcequotas: the object has been modified")

    async def get(self, *_: Any) -> Manifest:
        raise NotFound("not found")


async def test_a_conflict_over_something_else_is_to_be_tried_again() -> None:
    calendar, made = make_calendar(FullNamespace())
    with pytest.raises(Unreachable, match="resourcequotas"):
        await calendar.make_run(RUN)
    assert made == []


class Refusing(OneName):
    """Refuses each run with these words, as it does without a right to make any."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    async def create(self, *_: Any) -> Manifest:
        raise Forbidden(self._words)


async def test_a_quota_is_told_from_a_missing_right() -> None:
    for words, is_quota in (("exceeded quota: runs", True), ("cannot create resource", False)):
        calendar, _ = make_calendar(Refusing(words))
        with pytest.raises(Unreachable) as caught:
            await calendar.make_run(RUN)
        assert isinstance(caught.value, NoRoom) == is_quota


async def test_a_run_of_that_name_that_is_anothers_is_not_the_slots() -> None:
    stranger = store(RUN | {"metadata": RUN["metadata"] | {"ownerReferences": []}})
    calendar, made = make_calendar(OneName(stranger))
    with pytest.raises(Refused):
        await calendar.make_run(RUN)
    assert made == []
