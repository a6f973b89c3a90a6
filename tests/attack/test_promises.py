"""Promises that never settle, or settle too often."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, make_scene, refused

ATTACKS = {
    "a promise that never settles": refused("await new Promise(() => {})"),
    "all of one that never settles": refused("await Promise.all([1, new Promise(() => {})])"),
    "a race of none": refused("await Promise.race([])"),
    "a promise that waits for itself": refused(
        "let done; const p = new Promise((d) => { done = d; }); done(p); await p"
    ),
    "a rejection of itself": refused("const p = Promise.reject(1); await p.finally(() => { throw p; })"),
    "a then that is overwritten": ended(
        "Promise.prototype.then = function () { for (;;); }; Object.prototype.left = 1; await null; return 1",
        Reason.COMPLETED,
        Reason.TIMEOUT,
        Reason.SCRIPT_ERROR,
    ),
    "a constructor that is overwritten": ended(
        "Promise.prototype.constructor = function () { for (;;); }; return Promise.resolve(1).then((x) => x)",
        Reason.COMPLETED,
        Reason.TIMEOUT,
        Reason.SCRIPT_ERROR,
    ),
    "a promise that settles a million times": ended(
        "await new Promise((done) => { for (let i = 0; i < 1e6; i++) done(i); }); return 'once'",
        Reason.COMPLETED,
        Reason.TIMEOUT,
    ),
    "a hundred thousand that wait": ended(
        "const f = async () => await new Promise(() => {}); for (let i = 0; i < 1e5; i++) f(); await f()",
        Reason.SCRIPT_ERROR,
        Reason.MEMORY_LIMIT,
        Reason.TIMEOUT,
    ),
    "a promise that is left behind": ended("new Promise(() => {}); return 'done'", Reason.COMPLETED),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
