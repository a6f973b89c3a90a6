"""All attacks of a family at once, on one engine, beside neighbours who want nothing but to do their work."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Engine, EngineSettings, EngineStats, Limits, Program, Result

LIMIT_SECONDS = 1.0
#: For what comes to an end by itself, however little of a busy machine it gets.
ENOUGH_SECONDS = 30.0
#: When the process is ended whose script the engine did not stop.
WALL_MS = (LIMIT_SECONDS + 0.25) * 1000
#: The promise is the wall; the rest is for a test machine that is busy with other things.
PATIENCE_MS = 10_000
MEMORY_MB = 32

NEIGHBOUR = "let sum = 0; for (let i = 0; i < 1000; i++) sum += i; await null; return sum"
#: What an attack could have left behind for the next run of the same Script.
PROBE = """
return {
  names: Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith('left')),
  polluted: [({}).left, [].left, ''.left, (() => 0).left].filter((value) => value !== undefined).length,
  works: [JSON.stringify({a: [1]}), [3, 1, 2].sort().join(), String(2n ** 3n), 'a1'.match(/\\d/)[0]],
};
"""
CLEAN = {"names": [], "polluted": 0, "works": ['{"a":[1]}', "1,2,3", "8", "1"]}


@dataclass(frozen=True, slots=True)
class Attack:
    """Code that means harm, and what becomes of it."""

    source: str
    ends: frozenset[Reason]
    needs_the_wall: bool = False
    """The engine cannot stop it: only the end of its process can."""
    seconds: float = LIMIT_SECONDS
    """Its time limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What came of it all."""

    results: Mapping[str, Result]
    probes: Mapping[str, Result]
    neighbours: tuple[Result, ...]
    stats: EngineStats
    is_working: bool


def stopped(source: str) -> Attack:
    """Make an attack that the engine stops at the limit, or the wall if the machine is busy."""
    return Attack(source, frozenset({Reason.TIMEOUT}))


def killed(source: str) -> Attack:
    """Make an attack that only the end of its process stops."""
    return Attack(source, frozenset({Reason.TIMEOUT}), needs_the_wall=True)


def refused(source: str) -> Attack:
    """Make an attack that the engine refuses with an error."""
    return Attack(source, frozenset({Reason.SCRIPT_ERROR}), seconds=ENOUGH_SECONDS)


def starved(source: str) -> Attack:
    """Make an attack that runs into its memory limit."""
    return Attack(source, frozenset({Reason.MEMORY_LIMIT}), seconds=ENOUGH_SECONDS)


def ended(source: str, *reasons: Reason) -> Attack:
    """Make an attack that ends one of these ways, whichever limit it meets first."""
    seconds = LIMIT_SECONDS if Reason.TIMEOUT in reasons else ENOUGH_SECONDS
    return Attack(source, frozenset(reasons), seconds=seconds)


def make_scene(attacks: Mapping[str, Attack]) -> Any:
    """Make the fixture of a family: its attacks run once, all at the same time."""

    @pytest.fixture(scope="module", name="scene")
    def play_once() -> Scene:
        return asyncio.run(play(attacks))

    return play_once


async def play(attacks: Mapping[str, Attack]) -> Scene:
    """Run all attacks at once, with neighbours from before the first until after the last."""
    engine = Engine(EngineSettings(pool_size=len(attacks) + 2, initial_workers=len(attacks) + 2))
    await engine.start()
    try:
        over = asyncio.Event()
        neighbours = [asyncio.create_task(_live(engine, f"neighbour {n}", over)) for n in range(2)]
        results = await asyncio.gather(*(_run(engine, each, name) for name, each in attacks.items()))
        over.set()
        lives = await asyncio.gather(*neighbours)
        probes = [
            await _run(engine, Attack(PROBE, frozenset(), seconds=ENOUGH_SECONDS), name) for name in attacks
        ]
        return Scene(
            results=dict(zip(attacks, results, strict=True)),
            probes=dict(zip(attacks, probes, strict=True)),
            neighbours=tuple(result for life in lives for result in life),
            stats=engine.stats(),
            is_working=engine.is_working,
        )
    finally:
        await engine.shutdown()


def check_attack(attack: Attack, result: Result) -> None:
    """Assert that an attack ended as it should, and no sooner and not much later."""
    assert result.reason in attack.ends, result
    assert result.duration_ms < attack.seconds * 1000 + PATIENCE_MS
    if result.reason is Reason.TIMEOUT:
        assert result.duration_ms >= LIMIT_SECONDS * 1000
    if attack.needs_the_wall:
        assert result.duration_ms >= WALL_MS, "the engine stopped it by itself"


def check_scene(scene: Scene) -> None:
    """Assert that nobody but the attackers came to harm."""
    assert len(scene.neighbours) > 20
    assert {result.reason for result in scene.neighbours} == {Reason.COMPLETED}
    assert [name for name, probe in scene.probes.items() if probe.output != CLEAN] == []
    assert scene.is_working
    assert (scene.stats.in_use, scene.stats.waiting) == (0, 0)


async def _run(engine: Engine, attack: Attack, owner: str) -> Result:
    limits = Limits(timeout_seconds=attack.seconds, memory_mb=MEMORY_MB)
    return await engine.execute(Program(source=attack.source, owner=owner), {}, limits)


async def _live(engine: Engine, owner: str, over: asyncio.Event) -> list[Result]:
    results = []
    limits = Limits(timeout_seconds=20)
    while not over.is_set():
        results.append(await engine.execute(Program(source=NEIGHBOUR, owner=owner), {}, limits))
        # Neighbours live their lives; two loops without a pause would be an attack of their own.
        await asyncio.sleep(0.005)
    return results
