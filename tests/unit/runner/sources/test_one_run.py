"""What a runner with one run reads for it."""

from typing import Any, cast

from scriptorium_client import Client
from scriptorium_client.client import Manifest
from scriptorium_runner.sources import one_run
from scriptorium_runner.sources.one_run import Target
from tests.support.makers import make_execution, make_script


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


async def test_scripts_that_may_call_without_end_are_read_up_to_a_number() -> None:
    shelf = Shelf(*[script("main" if n == 0 else f"s{n}", f"s{n + 1}") for n in range(300)])
    await one_run.look(cast("Client", shelf), Target("team", "run-1", "run-1"))
    assert len(shelf.asked) - 1 == one_run.MOST_SCRIPTS
