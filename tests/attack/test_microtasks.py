"""Jobs that make more jobs."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, make_scene, stopped

ATTACKS = {
    "await in a loop": stopped("for (;;) await 0"),
    "await in an async loop that catches": stopped(
        "for (;;) { try { await 0 } catch {} finally { continue } }"
    ),
    "jobs that double": ended(
        "const f = () => { queueMicrotask(f); queueMicrotask(f); }; await new Promise(f)",
        Reason.TIMEOUT,
        Reason.MEMORY_LIMIT,
    ),
    # Every promise waits for the next one, so a fast machine runs out of memory before it runs out of time.
    "then after then": ended(
        "const f = () => Promise.resolve().then(f); await f()", Reason.TIMEOUT, Reason.MEMORY_LIMIT
    ),
    "a thenable that gives a thenable": stopped("const t = {then(done) { done(t); }}; await t"),
    "an async generator": stopped("for await (const x of (async function* () { for (;;) yield 1; })());"),
    "async recursion": ended(
        "const f = async () => { try { for (;;) await 0 } catch { await f() } }; await f()", Reason.TIMEOUT
    ),
    "work left behind": ended("(async () => { for (;;) await 0; })(); return 1", Reason.COMPLETED),
    "jobs left behind": ended(
        "queueMicrotask(function f() { queueMicrotask(f); }); return 1", Reason.COMPLETED
    ),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
