"""What a runner with one run reads for it."""

from typing import Any, cast

from scriptorium_api.execution import ExecutionStatus
from scriptorium_api.reasons import Phase
from scriptorium_client import Client
from scriptorium_client.client import Manifest
from scriptorium_runner.sources import one_run
from scriptorium_runner.sources.one_run import Target
from tests.support.makers import NOW, make_execution, make_script
from tests.unit.runner.schedules.fakes import make_cron_script


class Shelf:
    """Finds what it was given, and remembers what it was asked for."""

    def __init__(self, *scripts: Manifest) -> None:
        self._found = {script["metadata"]["name"]: script for script in scripts}
        self._run = make_execution("run-1", scriptRef={"name": "main"}).to_wire()
        self.asked: list[str] = []

    async def find(self, _resource: Any, name: str, _namespace: str) -> Manifest | None:
        self.asked.append(name)
        return self._run if name == "run-1" else self._found.get(name)


def script(name: str, *called: str) -> Manifest:
    return make_script(name, source="return 1", permissions={"scripts": list(called)}).to_wire()


async def test_a_run_finds_all_that_it_may_call_and_nothing_twice() -> None:
    shelf = Shelf(
        script("main", "one", "gone"), script("one", "two", "main"), script("two", "one"), script("other")
    )
    sight = await one_run.look(cast("Client", shelf), Target("team", "run-1", "run-1"))
    assert sight is not None
    assert shelf.asked == ["run-1", "main", "one", "gone", "two"]
    found = {
        name: sight.board.find_script("team", name) is not None
        for name in ("main", "one", "two", "gone", "other")
    }
    assert found == {"main": True, "one": True, "two": True, "gone": False, "other": False}


async def test_of_a_run_whose_cron_script_is_known_only_the_script_is_read() -> None:
    shelf = Shelf(script("main"))
    slot = {"cronScript": "nightly", "scheduledTime": NOW.isoformat()}
    execution = make_execution("run-1", scriptRef={"name": "main"}, firedBy=slot)
    cron_script = make_cron_script()
    sight = await one_run.look_around(cast("Client", shelf), execution, cron_script)
    assert shelf.asked == ["main"]
    assert sight.board.find_cron_script("team", "nightly") is cron_script


async def test_nothing_is_read_for_a_run_that_has_ended() -> None:
    shelf = Shelf(script("main"))
    ended = make_execution("run-1", ExecutionStatus(phase=Phase.SUCCEEDED), scriptRef={"name": "main"})
    await one_run.look_around(cast("Client", shelf), ended)
    assert shelf.asked == []


async def test_scripts_that_may_call_without_end_are_read_up_to_a_number() -> None:
    shelf = Shelf(*[script("main" if n == 0 else f"s{n}", f"s{n + 1}") for n in range(300)])
    await one_run.look(cast("Client", shelf), Target("team", "run-1", "run-1"))
    assert len(shelf.asked) - 1 == one_run.MOST_SCRIPTS
