"""Good and hostile scripts by the thousand on one sandbox: each has its one result, and nothing grows."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Engine, EngineSettings, Limits, Program, Result
from tests.support.waiting import until_async
from tests.unit.runner.engine.hosts import FakeHost
from tests.unit.runner.engine.processes import find_descendants, list_children, list_descriptors

#: Less for a first look.
EXECUTIONS_IN_ALL = int(os.environ.get("SOAK_EXECUTIONS", "20000"))
#: Looks at memory, descriptors and processes, each when all is at rest; the first ones only warm up.
LOOKS, WARM_UP = 10, 2
CALLERS = 12
SCRIPTS = 40
#: Workers that an idle engine of this test keeps.
MOST_KEPT = 6
#: What comes to an end by itself has all the time that a busy machine may take for it.
ENOUGH_SECONDS = 60.0
#: What does not is stopped.
SHORT_SECONDS = 0.1
#: Much longer than it takes on two busy cores: 20,000 runs do not hang for ever.
MOST_SECONDS = 60 + 0.3 * EXECUTIONS_IN_ALL

#: What the supervisor holds of one: its channel, its console's pipe, its meter and its pidfd.
DESCRIPTORS_OF_A_WORKER = 4
#: What may come and go: pages of the interpreters' heaps, and verdicts on sources that are no JavaScript.
GROWTH_MIB = {"supervisor": 12.0, "zygote": 2.0}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of script: how often it comes, and what becomes of it. `input.n` is the run's own number."""

    weight: int
    source: str
    reason: Reason = Reason.COMPLETED
    limits: Mapping[str, Any] = field(default_factory=dict)
    is_cancelled: bool = False
    calls: int | None = None


def stopped(source: str, reason: Reason = Reason.TIMEOUT, **limits: Any) -> Kind:
    """Make a hostile script that is stopped at a limit."""
    seconds = SHORT_SECONDS if reason is Reason.TIMEOUT else ENOUGH_SECONDS
    return Kind(1, source, reason, {"timeout_seconds": seconds, "memory_mb": 32} | limits)


KINDS = {
    "arithmetic": Kind(30, "return {n: input.n}"),
    "a loop that ends": Kind(10, "let x = 0; for (let i = 0; i < 1e4; i++) x += i; return {n: input.n}"),
    "lines": Kind(10, "for (let i = 0; i < 20; i++) console.log(input.n, i); return {n: input.n}"),
    "calls": Kind(
        10,
        "const all = await Promise.all([1, 2, 3].map((i) => http.get(`${input.n}`, {i})));"
        " return {n: Number(all[2].arguments[0])}",
        calls=3,
    ),
    "much output": Kind(3, "return {n: input.n, text: 'x'.repeat(10000)}"),
    "an error": Kind(5, "throw new Error('no ' + input.n)", Reason.SCRIPT_ERROR),
    "no JavaScript": Kind(3, "let = ;", Reason.SYNTAX_ERROR),
    "deep recursion": Kind(2, "(function f() { f(); })()", Reason.SCRIPT_ERROR),
    "a wish to leave the wrapper": Kind(1, "}, async function () {", Reason.SYNTAX_ERROR),
    "a promise that never settles": Kind(1, "await new Promise(() => 0)", Reason.SCRIPT_ERROR),
    "a caller who leaves": Kind(1, "for (;;) await 0", Reason.CANCELLED, is_cancelled=True),
    "pollution": Kind(
        2,
        "const n = input.n; Object.prototype.toJSON = () => 'left'; globalThis.left = n;"
        " Promise.prototype.then = null; throw n",
        Reason.SCRIPT_ERROR,
    ),
    "a look for pollution": Kind(3, "return {n: input.n, left: [typeof left, ({}).toJSON].join()}"),
    "a loop": stopped("for (;;) { try { for (;;); } catch {} }"),
    "a native loop": stopped("[].reverse.call({length: 2 ** 53 - 1})"),
    "microtasks": stopped("for (;;) await 0"),
    "an expression that backtracks": stopped("/^(a+)+$/.test('a'.repeat(40) + 'b')"),
    "a flood of lines": stopped("for (;;) console.log('x'.repeat(1000))"),
    "memory": stopped("const all = []; for (;;) all.push('x'.repeat(100) + all.length)", Reason.MEMORY_LIMIT),
    "calls without end": stopped("for (;;) await http.get('x')", Reason.API_CALL_LIMIT, api_calls=5),
    "an output that is too large": stopped("return 'x'.repeat(1e5)", Reason.OUTPUT_LIMIT),
}


@dataclass(frozen=True, slots=True)
class Look:
    """What the sandbox holds when nothing runs."""

    done: int
    supervisor_mib: float
    zygote_mib: float
    workers: int
    supervisor_descriptors: int
    zygote_descriptors: int


class Crowd:
    """Callers who run one script after the other, and what came of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._chance = random.Random(1)  # noqa: S311 - the same mix each time.
        self._host = FakeHost()
        self.ends: Counter[str] = Counter()
        self.wrong: list[str] = []

    @property
    def open_calls(self) -> int:
        """Host calls that nobody ended."""
        return self._host.open

    async def run(self, numbers: range) -> None:
        """Have all these runs run, so many at a time."""
        line = iter(numbers)
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(self._call(line))

    async def _call(self, line: Any) -> None:
        for number in line:
            name = self._chance.choices(list(KINDS), [kind.weight for kind in KINDS.values()])[0]
            result = await self._execute(KINDS[name], number)
            self.ends[name] += 1
            if not is_as_it_should_be(name, number, result):
                self.wrong.append(f"{number}, {name}: {result}")
            self._host.asked.clear()

    async def _execute(self, kind: Kind, number: int) -> Result:
        # Some Scripts often, and now and then one that never comes again.
        owner = f"{number}" if number % 20 == 0 else f"script {self._chance.randrange(SCRIPTS)} {kind.source}"
        limits = Limits(**{"timeout_seconds": ENOUGH_SECONDS} | dict(kind.limits))
        cancelled = asyncio.Event() if kind.is_cancelled else None
        if cancelled is not None:
            asyncio.get_running_loop().call_later(SHORT_SECONDS, cancelled.set)
        return await self._engine.execute(
            Program(source=kind.source, owner=owner),
            {"input": {"n": number}},
            limits,
            cancelled=cancelled,
            host=self._host,
        )


def is_as_it_should_be(name: str, number: int, result: Result) -> bool:
    """Say whether a run ended as its kind does, with its own output and nobody else's."""
    kind = KINDS[name]
    if result.reason is not kind.reason:
        return False
    if name == "a look for pollution":
        return result.output == {"n": number, "left": "undefined,"}
    if kind.reason is Reason.COMPLETED:
        has_calls = kind.calls is None or result.usage.api_calls == kind.calls
        return (result.output or {}).get("n") == number and has_calls
    if name == "an error":
        return result.error is not None and result.error.message == f"no {number}"
    return result.output is None


async def test_good_and_hostile_scripts_have_one_result_each_and_leave_nothing() -> None:
    print(f"\n{EXECUTIONS_IN_ALL} executions of {len(KINDS)} kinds, {CALLERS} at a time")
    engine = Engine(EngineSettings(pool_size=10, initial_workers=4, spare_workers=2, idle_seconds=0.2))
    before = find_descendants(os.getpid())
    await engine.start()
    try:
        (zygote,) = [pid for pid in find_descendants(os.getpid()) - before if is_child(pid)]
        crowd, looks = Crowd(engine), list[Look]()
        begun = time.monotonic()
        async with asyncio.timeout(MOST_SECONDS):
            for part in range(LOOKS):
                await crowd.run(cut(part))
                looks.append(await look(engine, zygote, cut(part).stop))
                print(f"  {time.monotonic() - begun:7.1f} s  {render(looks[-1])}", flush=True)
    finally:
        await engine.shutdown()
    print(f"  {dict(crowd.ends)}")
    print(f"  {engine_left(before)} processes left")

    assert crowd.wrong == []
    assert sum(crowd.ends.values()) == EXECUTIONS_IN_ALL
    assert crowd.open_calls == 0
    # Some are rare, so a short look may miss one.
    assert set(crowd.ends) == set(KINDS) or EXECUTIONS_IN_ALL < 2000
    check_flat(looks[WARM_UP - 1 :])
    assert engine_left(before) == 0


def cut(part: int) -> range:
    """Give the numbers of a tenth of the runs."""
    return range(EXECUTIONS_IN_ALL * part // LOOKS, EXECUTIONS_IN_ALL * (part + 1) // LOOKS)


async def look(engine: Engine, zygote: int, done: int) -> Look:
    """Wait until nothing runs and the pool has shrunk to what it keeps, and look."""
    last: list[tuple[int, ...]] = []

    async def look_at_rest() -> Look | None:
        stats = engine.stats()
        # Those too that have ended and are not yet buried, whose descriptors are still there.
        workers = len(list_children(zygote))
        now = (stats.spawned, stats.killed, workers)
        has_changed = last != [now]
        last[:] = [now]
        is_idle = (stats.in_use, stats.waiting) == (0, 0)
        if has_changed or not is_idle or not workers == stats.fresh + stats.used <= MOST_KEPT:
            return None
        return Look(
            done=done,
            supervisor_mib=read_resident(os.getpid()),
            zygote_mib=read_resident(zygote),
            workers=workers,
            supervisor_descriptors=len(list_descriptors(os.getpid())),
            zygote_descriptors=len(list_descriptors(zygote)),
        )

    try:
        found = await until_async(look_at_rest, 60)
    except TimeoutError:
        raise AssertionError(f"no rest after {done} runs: {last}, {engine.stats()}") from None
    assert found is not None
    return found


def check_flat(looks: list[Look]) -> None:
    """Assert that a sandbox holds no more after the last look than after the first."""
    first, last = looks[0], looks[-1]
    assert last.supervisor_mib - first.supervisor_mib < GROWTH_MIB["supervisor"]
    assert last.zygote_mib - first.zygote_mib < GROWTH_MIB["zygote"]
    # A worker is so many descriptors; all others are always the same.
    assert len({each.zygote_descriptors - each.workers for each in looks}) == 1
    assert len({each.supervisor_descriptors - DESCRIPTORS_OF_A_WORKER * each.workers for each in looks}) == 1


def engine_left(before: set[int]) -> int:
    """Count the processes of ours that were not there before."""
    return len(find_descendants(os.getpid()) - before)


def is_child(pid: int) -> bool:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == os.getpid()


def read_resident(pid: int) -> float:
    """Give a process's resident memory in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def render(found: Look) -> str:
    return (
        f"{found.done:6d} runs: supervisor {found.supervisor_mib:.1f} MiB,"
        f" {found.supervisor_descriptors} descriptors;"
        f" zygote {found.zygote_mib:.1f} MiB, {found.zygote_descriptors}; {found.workers} workers"
    )
