"""The calendar of files: what firing relies on, as on a cluster."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scriptorium_api import cron_runs, ending
from scriptorium_api.cron_script import CronScript
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions.errors import Superseded, Vanished
from scriptorium_runner.sources import manifests
from scriptorium_runner.sources.file_calendar import FileCalendar
from scriptorium_runner.sources.files import FileBoard
from tests.unit.runner.dev.manifests import cron, run, script

NOW = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
SLOT = datetime(2026, 5, 1, 12, 1, tzinfo=UTC)


class Desk:
    """A file, a board of it, and its calendar."""

    def __init__(self, folder: Path) -> None:
        self.board, self.made = FileBoard(), list[ScriptExecution]()
        self.calendar = FileCalendar(self.board, self.made.append, lambda _owner, _miss: None)
        self.file = folder / "a.yaml"

    def write(self, *texts: str) -> None:
        self.file.write_text("---\n".join(texts))
        loaded = manifests.load([self.file])
        assert loaded.problems == []
        self.board.take(loaded, NOW)

    @property
    def nightly(self) -> CronScript:
        found = self.board.find_cron_script("default", "nightly")
        assert found
        return found

    async def make(self) -> ScriptExecution:
        return (await self.calendar.make_run(cron_runs.build_run(self.nightly, SLOT, None))).run


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write(script("return 1"), cron())
    return desk


async def test_a_run_is_made_once(desk: Desk) -> None:
    first = await desk.make()
    assert (await desk.make()).metadata.uid == first.metadata.uid
    assert [each.metadata.uid for each in desk.made] == [first.metadata.uid]
    assert await desk.calendar.list_runs(desk.nightly) == [first]


async def test_a_run_that_ended_is_known_until_its_slot_is_counted(desk: Desk) -> None:
    made = await desk.make()
    await desk.board.write_status(made, ending.build_end(made, Reason.SCRIPT_ERROR, None, NOW))
    (ended,) = await desk.calendar.list_runs(desk.nightly)
    assert ended.status.phase is Phase.FAILED
    counted = desk.nightly.status.model_copy(update={"accounted_until": SLOT})
    await desk.calendar.record(desk.nightly, counted)
    assert await desk.calendar.list_runs(desk.nightly) == []


async def test_a_record_of_what_was_edited_meanwhile_is_refused(desk: Desk) -> None:
    former = desk.nightly
    desk.write(script("return 1"), cron(schedule="@daily"))
    with pytest.raises(Superseded):
        await desk.calendar.record(former, former.status)
    assert desk.nightly.metadata.generation == 2


async def test_what_is_not_edited_stays_as_it_is(desk: Desk) -> None:
    former = desk.nightly
    desk.write(script("return 2"), cron())
    assert desk.nightly == former


async def test_a_schedule_that_is_gone_has_vanished(desk: Desk) -> None:
    former, manifest = desk.nightly, cron_runs.build_run(desk.nightly, SLOT, None)
    desk.write(script("return 1"))
    with pytest.raises(Vanished):
        await desk.calendar.read_cron_script(former)
    with pytest.raises(Vanished):
        await desk.calendar.make_run(manifest)
    assert desk.made == []


async def test_a_schedule_that_comes_back_knows_nothing_of_before(desk: Desk) -> None:
    made = await desk.make()
    desk.write(script("return 1"))
    assert [each.metadata.uid for each in desk.board.list_orphans()] == [made.metadata.uid]
    desk.board.remove(made.metadata.uid)
    desk.write(script("return 1"), cron())
    assert desk.board.list_orphans() == []
    assert await desk.calendar.list_runs(desk.nightly) == []


async def test_a_run_that_was_copied_out_of_a_cluster_is_nobodys(desk: Desk) -> None:
    owner = "{apiVersion: scriptorium.dev/v1alpha1, kind: CronScript, name: nightly, uid: another}"
    copied = run("nightly-1").replace("namespace: default", f"ownerReferences: [{owner}]")
    fired = copied.replace("spec: {", "spec: {firedBy: {cronScript: nightly}, ")
    desk.write(script("return 1"), cron(), fired)
    (found,) = (each.object for each in manifests.load([desk.file]).objects[2:])
    assert isinstance(found, ScriptExecution)
    desk.board.add(found)
    desk.write(script("return 1"), cron())
    assert desk.board.list_orphans() == []
    assert await desk.calendar.list_runs(desk.nightly) == []


async def test_an_inline_script_is_a_script_of_the_board(desk: Desk) -> None:
    desk.write(cron(scriptRef="", script="{source: return 1, limits: {memoryMB: 16}}"))
    found = desk.board.find_script("default", cron_runs.find_script_name(desk.nightly))
    assert found
    assert (found.spec.source, found.spec.limits.memory_mb, found.status.version) == ("return 1", 16, 1)
    desk.write(cron(scriptRef="", script="{source: return 2}"))
    changed = desk.board.find_script("default", found.metadata.name)
    assert changed
    assert (changed.metadata.uid, changed.status.version) == (found.metadata.uid, 2)
