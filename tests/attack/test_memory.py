"""Scripts that want all memory there is."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, make_scene, refused, starved

ATTACKS = {
    "an array that grows": starved("const a = []; for (;;) a.push(Array(1000).fill(1))"),
    "small objects": starved("const a = []; for (;;) a.push({})"),
    "a map": starved("const m = new Map(); for (let i = 0; ; i++) m.set(i, {i})"),
    "closures": starved("let f = () => 0; for (;;) { const g = f; f = () => g; }"),
    "a huge array": starved("Array(1e9).fill(1)"),
    "a huge buffer": refused("new ArrayBuffer(8e9)"),
    "many buffers": starved("const a = []; for (;;) a.push(new ArrayBuffer(1e6))"),
    "promises": starved("const a = []; for (;;) a.push(new Promise(() => {}))"),
    "what is left on the global object": starved(
        "globalThis.left = []; for (;;) left.push('x'.repeat(100) + left.length)"
    ),
    "symbols": starved("const a = []; for (;;) a.push(Symbol('x'.repeat(1000) + a.length))"),
    # Each size runs out of memory at another place of the engine.
    **{
        f"regular expressions of {size}": starved(
            f"const a = []; for (;;) a.push(new RegExp('a'.repeat({size}) + a.length))"
        )
        for size in (100, 150, 300, 500, 1000, 2000, 5000)
    },
    "a buffer that is resized": ended(
        "const b = new ArrayBuffer(1, {maxByteLength: 2e9}); for (let n = 1; ; n *= 2) b.resize(n)",
        Reason.MEMORY_LIMIT,
        Reason.SCRIPT_ERROR,
    ),
    "memory whose end is caught": ended(
        "for (;;) { try { const a = []; for (;;) a.push(Array(1e5).fill(1)); } catch {} }",
        Reason.TIMEOUT,
        Reason.MEMORY_LIMIT,
    ),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
