"""Loops that never end."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, make_scene, stopped

ATTACKS = {
    "an empty loop": stopped("for (;;);"),
    "a loop that catches": stopped("for (;;) { try { for (;;); } catch {} finally { continue; } }"),
    "a loop in a generator": stopped("for (const x of (function* () { for (;;) yield 1; })());"),
    "a loop in a comparator": stopped("[3, 1, 2].sort(() => { for (;;); })"),
    "a loop in a class field": stopped("class A { x = (() => { for (;;); })() } new A()"),
    "a loop in a tagged template": stopped("const tag = () => { for (;;); }; tag`x`"),
    "a labelled loop that goes on": stopped("outer: for (;;) { for (;;) continue outer; }"),
    "a loop over a map that grows": ended(
        "const m = new Map([[0, 0]]); for (const [k] of m) { m.delete(k); m.set(k + 1, 0); }", Reason.TIMEOUT
    ),
    "a loop in a default argument": stopped("(function (a = (() => { for (;;); })()) {})()"),
    "a loop that writes lines": stopped("for (let i = 0; ; i++) console.log('line ' + i)"),
    "a loop that writes long lines": stopped("const s = 'x'.repeat(1e5); for (;;) console.error(s, {s})"),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
