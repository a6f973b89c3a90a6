"""Runs of the queue and requests of HTTP on one pool."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from scriptorium_runner.engine import (
    AcquireTimeout,
    ContainerMemory,
    Engine,
    EngineSettings,
    Lane,
    Limits,
    Program,
    Result,
)
from scriptorium_runner.engine.pool import lanes
from scriptorium_runner.engine.pool.lanes import Lanes
from tests.support.waiting import until_async
from tests.unit.runner.engine.cgroups import MB, write_version_2
from tests.unit.runner.engine.engines import HANG, make_engine
from tests.unit.runner.engine.hosts import FakeHost
from tests.unit.runner.engine.processes import wait_until

QUEUED, HTTP, CALLED = Lane.QUEUED, Lane.HTTP, Lane.CALLED
HALF = Lanes(10, 5, 0.5)


@pytest.mark.parametrize(
    ("slots", "part", "reserved"),
    [(10, 0.5, 5), (5, 0.5, 3), (2, 0.5, 1), (1, 0.5, 0), (10, 0.9, 9), (10, 0, 0)],
)
def test_at_least_its_part_of_the_slots_is_reserved_and_one_is_left_to_the_queue(slots, part, reserved):
    assert lanes.divide(slots, part).reserved == reserved


@pytest.mark.parametrize(
    ("lane", "held", "free"),
    [
        (QUEUED, {}, 5),
        (QUEUED, {QUEUED: 5}, 0),
        (QUEUED, {QUEUED: 8}, 0),
        (QUEUED, {QUEUED: 1, HTTP: 7}, 2),
        (HTTP, {QUEUED: 5}, 5),
        (HTTP, {QUEUED: 2, HTTP: 5}, 3),
        (HTTP, {QUEUED: 8, HTTP: 2}, 0),
        (HTTP, {CALLED: 9}, 10),
    ],
)
def test_runs_leave_the_reserve_and_requests_may_take_all(lane, held, free):
    assert HALF.count_free(lane, held) == free


def test_where_nothing_is_reserved_all_may_take_all_and_stand_in_one_line():
    whole = Lanes(10)
    assert [whole.count_free(lane, {QUEUED: 4, HTTP: 1}) for lane in (QUEUED, HTTP)] == [5, 5]
    assert whole.list_lines({}) == (frozenset({QUEUED, HTTP}),)
    assert whole.find_line(CALLED) == frozenset({CALLED})


@pytest.mark.parametrize(("held", "first"), [({}, HTTP), ({HTTP: 4, QUEUED: 1}, HTTP), ({HTTP: 5}, QUEUED)])
def test_the_next_slot_is_for_requests_until_they_hold_their_half(held, first):
    assert HALF.list_lines(held)[0] == frozenset({first})


class Stage:
    """An engine, and scripts on it that go on until they are let go by name."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.started: list[str] = []
        self._doors: dict[str, asyncio.Event] = {}
        self._runs: dict[str, asyncio.Task[Result]] = {}

    def begin(self, name: str, lane: Lane = QUEUED, script: str = "", memory_mb: int = 128) -> None:
        door = self._doors[name] = asyncio.Event()

        async def reply(_method: str, _arguments: list[Any]) -> Any:
            self.started.append(name)
            await door.wait()

        program = Program(source="await http.get('x')", owner=name, script=script or name, lane=lane)
        limits = Limits(timeout_seconds=60, memory_mb=memory_mb)
        self._runs[name] = asyncio.create_task(self.engine.execute(program, {}, limits, host=FakeHost(reply)))

    async def end(self, name: str) -> None:
        self._doors[name].set()
        await self._runs.pop(name)

    async def wait_for(self, *names: str) -> None:
        await wait_until(lambda: set(names) <= set(self.started))

    async def wait_for_line(self, waiting: int) -> None:
        await wait_until(lambda: self.engine.stats().waiting == waiting)

    async def close(self) -> None:
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)


@contextlib.asynccontextmanager
async def make_stage(container: ContainerMemory | None = None, **settings: Any) -> AsyncIterator[Stage]:
    engine = Engine(EngineSettings(**({"pool_size": 4} | settings)), container)
    await engine.start()
    stage = Stage(engine)
    try:
        yield stage
    finally:
        await stage.close()
        await engine.shutdown()


async def test_runs_of_the_queue_cannot_take_the_reserved_half_and_a_request_gets_a_slot_of_it_at_once():
    async with make_stage() as stage:
        stage.engine.reserve_for_http(is_served=True)
        for number in range(20):
            stage.begin(f"run {number}")
        await stage.wait_for_line(18)
        await wait_until(lambda: len(stage.started) == 2)
        stage.begin("request", HTTP)
        await stage.wait_for("request")
        stats = stage.engine.stats()
        assert (stats.reserved, stats.lane_busy[QUEUED], stats.lane_busy[HTTP]) == (2, 2, 1)
        assert (stats.lane_waiting[QUEUED], stats.lane_waiting[HTTP]) == (18, 0)


async def test_requests_take_more_than_their_half_where_runs_leave_room_and_runs_get_it_back_in_turn():
    async with make_stage() as stage:
        stage.engine.reserve_for_http(is_served=True)
        for number in range(5):
            stage.begin(f"request {number}", HTTP)
        await stage.wait_for_line(1)
        assert stage.engine.stats().lane_busy[HTTP] == 4
        stage.begin("run")
        await stage.wait_for_line(2)
        await stage.end("request 0")
        await stage.wait_for("run")
        assert "request 4" not in stage.started
        await stage.end("request 1")
        await stage.wait_for("request 4")


@pytest.mark.parametrize("lane", [QUEUED, HTTP])
async def test_inside_its_lane_no_script_keeps_another_from_its_share(lane):
    async with make_stage() as stage:
        stage.engine.reserve_for_http(is_served=True)
        other = HTTP if lane is QUEUED else QUEUED
        for number in range(2):
            stage.begin(f"neighbour {number}", other, script="quiet")
        await stage.wait_for("neighbour 0", "neighbour 1")
        for number in range(5):
            stage.begin(f"loud {number}", lane, script="loud")
        await stage.wait_for("loud 0", "loud 1")
        # What it holds in the other lane is not held against it.
        stage.begin("quiet", lane, script="quiet")
        await stage.wait_for_line(4)
        await stage.end("loud 0")
        await stage.wait_for("quiet")
        assert "loud 2" not in stage.started


async def test_what_nothing_serves_costs_runs_nothing():
    async with make_stage() as stage:
        assert stage.engine.reserved_slots == 0
        for number in range(4):
            stage.begin(f"run {number}")
        await wait_until(lambda: len(stage.started) == 4)
        stage.begin("run 4")
        await stage.wait_for_line(1)
        stage.begin("request", HTTP)
        await stage.wait_for_line(2)
        await stage.end("run 0")
        await stage.wait_for("run 4")
        assert "request" not in stage.started


async def test_the_reserve_fills_as_runs_end_and_is_given_back_when_nothing_serves_any_more():
    async with make_stage() as stage:
        for number in range(8):
            stage.begin(f"run {number}", script="one")
        await stage.wait_for_line(4)
        stage.engine.reserve_for_http(is_served=True)
        assert stage.engine.reserved_slots == 2
        stage.begin("request", HTTP)
        await stage.wait_for_line(5)
        await stage.end("run 0")
        await stage.wait_for("request")
        await stage.end("run 1")
        stats = stage.engine.stats()
        assert (stats.lane_busy[QUEUED], stats.lane_busy[HTTP], stats.lane_waiting[QUEUED]) == (2, 1, 4)
        stage.engine.reserve_for_http(is_served=False)
        await stage.wait_for("run 4")
        assert stage.engine.reserved_slots == 0


async def test_what_scripts_call_takes_nothing_of_either_lane():
    async with make_stage(nested_slots=1) as stage:
        stage.engine.reserve_for_http(is_served=True)
        for number in range(2):
            stage.begin(f"run {number}")
        await stage.wait_for("run 0", "run 1")
        called = Program(source="return 'called'", owner="called", depth=1, lane=HTTP)
        assert (await stage.engine.execute(called, {}, Limits())).output == {"value": "called"}
        for number in range(2):
            stage.begin(f"request {number}", HTTP)
        await stage.wait_for("request 0", "request 1")


def make_container(folder: Path, limit_mb: int) -> ContainerMemory:
    """Make one of which 100 MB are used while nothing runs."""
    write_version_2(folder, str(limit_mb * MB))
    return ContainerMemory(folder, is_version_2=True)


async def test_runs_leave_their_part_of_the_memory_to_requests(tmp_path):
    async with make_stage(make_container(tmp_path, 624), pool_size=8) as stage:
        stage.engine.reserve_for_http(is_served=True)
        for number in range(3):
            stage.begin(f"run {number}")
        await stage.wait_for_line(1)
        assert stage.engine.stats().memory_promised_mb == 256
        for number in range(2):
            stage.begin(f"request {number}", HTTP)
        await stage.wait_for("request 0", "request 1")
        assert stage.engine.stats().memory_promised_mb == 512


async def test_a_run_too_large_for_the_part_of_the_queue_runs_when_no_other_of_it_does(tmp_path):
    async with make_stage(make_container(tmp_path, 624), pool_size=8) as stage:
        stage.engine.reserve_for_http(is_served=True)
        stage.begin("small")
        await stage.wait_for("small")
        stage.begin("large", memory_mb=400)
        await stage.wait_for_line(1)
        stage.begin("later", memory_mb=64)
        await stage.wait_for_line(2)
        assert "later" not in stage.started
        await stage.end("small")
        await stage.wait_for("large")


async def test_a_request_that_waits_for_more_than_its_part_is_passed_only_by_runs_within_theirs(tmp_path):
    async with make_stage(make_container(tmp_path, 624), pool_size=8) as stage:
        stage.engine.reserve_for_http(is_served=True)
        stage.begin("run", memory_mb=192)
        await stage.wait_for("run")
        stage.begin("large request", HTTP, memory_mb=400)
        await stage.wait_for_line(1)
        stage.begin("within", memory_mb=64)
        await stage.wait_for("within")
        stage.begin("small request", HTTP, memory_mb=64)
        await stage.wait_for_line(2)
        await stage.end("run")
        await stage.wait_for("large request")


async def test_no_run_that_exceeds_the_part_of_the_queue_passes_a_request_that_waits(tmp_path):
    async with make_stage(make_container(tmp_path, 624), pool_size=8) as stage:
        stage.engine.reserve_for_http(is_served=True)
        stage.begin("request", HTTP, memory_mb=200)
        await stage.wait_for("request")
        stage.begin("large request", HTTP, memory_mb=400)
        await stage.wait_for_line(1)
        stage.begin("large run", memory_mb=300)
        await stage.wait_for_line(2)
        await stage.end("request")
        await stage.wait_for("large request")
        assert "large run" not in stage.started
        await stage.end("large request")
        await stage.wait_for("large run")


async def test_a_request_hears_sooner_than_a_run_that_there_is_no_worker() -> None:
    async with make_engine(pool_size=1, http_acquire_seconds=0.05, acquire_seconds=60) as engine:
        stop = asyncio.Event()
        busy = asyncio.create_task(
            engine.execute(Program(source=HANG, owner="a"), {}, Limits(timeout_seconds=60), cancelled=stop)
        )
        await until_async(lambda: engine.stats().in_use == 1)
        with pytest.raises(AcquireTimeout):
            await engine.execute(Program(source="return 1", owner="b", lane=Lane.HTTP), {}, Limits())
        stop.set()
        await busy
