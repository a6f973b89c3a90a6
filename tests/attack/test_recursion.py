"""Calls within calls within calls."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, make_scene, refused, stopped

ATTACKS = {
    "a function": refused("(function f() { f(); })()"),
    "a function through a native one": refused("(function f() { [0].map(f); })()"),
    "a getter": refused("return {get x() { return this.x; }}"),
    "a getter that catches": ended(
        "const f = () => { try { f(); } catch { f(); } }; f()", Reason.TIMEOUT, Reason.SCRIPT_ERROR
    ),
    "async functions": ended(
        "const f = async () => { await f(); }; await f()",
        Reason.SCRIPT_ERROR,
        Reason.MEMORY_LIMIT,
        Reason.TIMEOUT,
    ),
    "a proxy that asks itself": refused("const p = new Proxy({}, {get: (t, k, r) => r[k]}); p.x"),
    "a prototype chain that never ends": stopped(
        "const p = new Proxy({}, {getPrototypeOf: () => p}); p instanceof Object"
    ),
    "toString within toString": refused("const o = {toString() { return '' + o; }}; '' + o"),
    "a constructor": refused("class A { constructor() { new A(); } } new A()"),
    "a source that is nested too deeply": ended(
        "return " + "[" * 20000 + "]" * 20000, Reason.SYNTAX_ERROR, Reason.SCRIPT_ERROR
    ),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
