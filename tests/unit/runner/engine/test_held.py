"""What the supervisor holds of calls under way."""

import asyncio
import json
import tracemalloc
from typing import Any

import pytest

from scriptorium_api.execution import MAX_INPUT_BYTES
from scriptorium_runner.engine import (
    ContainerMemory,
    Engine,
    EngineSettings,
    Held,
    Limits,
    NoRoom,
    Program,
    weigh,
)
from scriptorium_runner.engine.held import MOST_RUN_BYTES
from tests.unit.runner.engine.cgroups import MB, write_version_2
from tests.unit.runner.engine.processes import wait_until


def test_what_is_held_is_given_back_however_the_call_ends() -> None:
    held = Held()
    share = held.open()

    def fail() -> None:
        with share.hold(10), held.open().hold(5):
            assert (held.size, share.size) == (15, 10)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (held.size, share.size) == (0, 0)


def test_one_run_holds_no_more_than_its_share() -> None:
    share = Held().open()
    with (
        share.hold(MOST_RUN_BYTES - 1),
        share.hold(1),
        pytest.raises(NoRoom, match="of this script"),
        share.hold(1),
    ):
        pass


def test_all_runs_together_hold_no_more_than_the_runner_has_but_one_call_each() -> None:
    held = Held(most_bytes=10)
    first, second = held.open(), held.open()
    with first.hold(8), second.hold(8):
        for share in (first, second):
            with pytest.raises(NoRoom, match="of all scripts"), share.hold(1):
                pass
    with first.hold(8), first.hold(2):
        assert held.size == 10


SHAPES = {
    "lists": [[] for _ in range(15_000)],
    "objects": [{"a": {}} for _ in range(6000)],
    "numbers": [0.5 + number for number in range(8000)],
    "short texts": [f"é{number}" for number in range(6000)],
    "one text": "😀" * 10_000,
}


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES)
def test_an_input_weighs_at_least_what_it_takes(value: Any) -> None:
    text = json.dumps({"value": value}, ensure_ascii=False)
    assert len(text.encode()) <= 2 * MAX_INPUT_BYTES
    tracemalloc.start()
    try:
        read = json.loads(text)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken <= weigh(read) <= 5 * taken + 2 * len(json.dumps(read))


async def test_a_run_waits_for_memory_that_calls_under_way_hold(tmp_path: Any) -> None:
    write_version_2(tmp_path, str(500 * MB))
    engine = Engine(EngineSettings(pool_size=4), ContainerMemory(tmp_path, is_version_2=True))
    await engine.start()
    try:
        limits = Limits(timeout_seconds=60)
        first = asyncio.create_task(engine.execute(Program(source="for (;;);", owner="a"), {}, limits))
        await wait_until(lambda: engine.stats().in_use == 1)
        with engine.held.open().hold(200 * MB):
            second = asyncio.create_task(engine.execute(Program(source="return 1", owner="b"), {}, limits))
            await wait_until(lambda: engine.stats().waiting == 1)
            assert engine.stats().memory_held_mb == 200
        # Nobody ended a run: what was given back is enough.
        assert (await second).output == {"value": 1}
        assert not first.done()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    finally:
        await engine.shutdown()
