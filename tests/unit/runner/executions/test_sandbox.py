"""The engine's results in the API's words."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from scriptorium_api.names import source_hash
from scriptorium_api.reasons import Reason
from scriptorium_api.script import Limits
from scriptorium_runner import engine
from scriptorium_runner.executions.ceilings import Ceilings, tell
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.errors import NoWorker
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.sandbox import EngineSandbox, build_outcome
from tests.unit.runner.executions.fakes import MemoryBoard

MOMENT = datetime(2030, 1, 1, tzinfo=UTC)
START = Start(
    source="return 1",
    entrypoint="main",
    limits=Limits(memory_mb=64),
    owner="uid",
    share="hello",
    timeout_seconds=7,
)


def result(**fields: Any) -> engine.Result:
    return engine.Result(**({"reason": Reason.COMPLETED, "duration_ms": 1.5, "started_at": MOMENT} | fields))


class RecordingEngine:
    """Remembers what it is asked for, and answers or fails as it was told."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.held = engine.Held()
        self.asked: tuple[Any, ...] = ()

    async def execute(self, *asked: Any, **_: Any) -> engine.Result:
        self.asked = asked
        if self._error:
            raise self._error
        return result(output={"value": 1})


async def run(recorder: RecordingEngine, start: Start = START) -> Any:
    return await EngineSandbox(cast("engine.Engine", recorder)).run(
        start, {"input": {}}, asyncio.Event(), MemoryBoard()
    )


async def test_the_engine_gets_the_source_the_limits_and_an_owner_for_each_source() -> None:
    recorder = RecordingEngine()
    outcome = await run(recorder)
    program, context, limits = recorder.asked
    assert program == engine.Program(
        source="return 1", entrypoint="main", owner=f"uid/{source_hash('return 1')}", script="hello"
    )
    assert context == {"input": {}}
    assert (limits.timeout_seconds, limits.memory_mb) == (7, 64)
    assert outcome.output == {"value": 1}


@pytest.mark.parametrize("lane", [engine.Lane.QUEUED, engine.Lane.HTTP])
async def test_a_run_takes_its_turn_in_the_lane_that_its_start_names(lane: engine.Lane) -> None:
    recorder = RecordingEngine()
    await run(recorder, replace(START, lane=lane))
    assert recorder.asked[0].lane is lane


@pytest.mark.parametrize("error", [engine.AcquireTimeout(), engine.PoolClosed(), engine.NeverStarted()])
async def test_a_run_that_found_no_worker_has_not_started(error: Exception) -> None:
    with pytest.raises(NoWorker):
        await run(RecordingEngine(error))


def test_an_error_is_told_in_one_line_with_its_place_and_in_full() -> None:
    error = engine.ScriptError(
        name="TypeError", message="x is not a function", stack="at 2:7", line=2, column=7
    )
    outcome = build_outcome(result(reason=Reason.SCRIPT_ERROR, error=error))
    assert outcome.message == "TypeError: x is not a function at 2:7"
    assert outcome.error is not None
    assert (outcome.error.line, outcome.error.column, outcome.error.stack) == (2, 7, "at 2:7")


def test_an_error_is_cut_to_what_a_status_holds() -> None:
    error = engine.ScriptError(name="N" * 300, message="m" * 9000, stack="s" * 9000)
    found = build_outcome(result(reason=Reason.SCRIPT_ERROR, error=error)).error
    assert found is not None
    assert (len(found.name), len(found.message), len(found.stack or "")) == (256, 8192, 8192)


def test_more_lines_than_a_status_holds_lose_the_oldest_and_say_so() -> None:
    lines = tuple(
        engine.LogEntry(level="info", message=str(number), timestamp="2030-01-01T00:00:00.000Z")
        for number in range(5000)
    )
    outcome = build_outcome(result(logs=lines))
    assert outcome.logs_truncated
    assert outcome.logs_dropped == 904
    assert (len(outcome.logs), outcome.logs[-1].message) == (4096, "4999")


def test_further_values_of_a_line_are_kept_and_none_are_absent() -> None:
    line = engine.LogEntry(level="info", message="m", timestamp="2030-01-01T00:00:00.000Z")
    with_data = engine.LogEntry(level="info", message="m", timestamp="2030-01-01T00:00:00.000Z", data=[1])
    logs = build_outcome(result(logs=(line, with_data))).logs
    assert [entry.data for entry in logs] == [None, [1]]


def test_what_cannot_be_known_of_its_usage_is_absent() -> None:
    usage = build_outcome(result(usage=engine.Usage(cpu_ms=1.23456))).usage
    assert usage is not None
    assert usage.to_wire() == {"cpuMs": 1.23}


def test_where_the_platform_allows_more_a_run_gets_what_it_asks_for() -> None:
    start, note = Ceilings({"timeout_seconds": 60, "memory_mb": 64}).lower(START)
    assert (start, note) == (START, "")
    assert Ceilings().lower(START) == (START, "")


def test_a_ceiling_lowers_what_a_run_asks_for_and_says_so() -> None:
    start, note = Ceilings({"timeout_seconds": 2.5, "memory_mb": 32}).lower(START)
    assert (start.timeout_seconds, start.limits.memory_mb) == (2.5, 32)
    assert start.limits.output_kb == START.limits.output_kb
    assert note == (
        "the platform's ceilings lower limits.timeoutSeconds from 7 to 2.5, limits.memoryMB from 64 to 32"
    )


async def test_a_run_that_got_less_than_it_asked_for_is_told_so() -> None:
    recorder = RecordingEngine()
    sandbox = EngineSandbox(cast("engine.Engine", recorder), Ceilings({"memory_mb": 32}))
    outcome = await sandbox.run(START, {"input": {}}, asyncio.Event(), MemoryBoard())
    assert recorder.asked[2].memory_mb == 32
    assert outcome.message == "the platform's ceilings lower limits.memoryMB from 64 to 32"


def test_what_a_ceiling_did_stands_behind_the_error() -> None:
    outcome = Outcome(reason=Reason.TIMEOUT, message="the script ran longer")
    assert tell(outcome, "lowered").message == "the script ran longer; lowered"
