"""Array functions over lengths that never end."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, killed, make_scene, refused, stopped

ATTACKS = {
    "reverse": killed("[].reverse.call({length: 2 ** 53 - 1})"),
    "copyWithin": killed("[].copyWithin.call({length: 2 ** 53 - 1}, 0, 1)"),
    "shift": killed("[].shift.call({length: 2 ** 53 - 1})"),
    "unshift": killed("[].unshift.call({length: 2 ** 53 - 2}, 1)"),
    "splice": killed("[].splice.call({length: 2 ** 53 - 1}, 0, 1)"),
    "flat": killed("[].flat.call({length: 2 ** 53 - 1})"),
    "join of a sparse array": killed("Array(2 ** 32 - 1).join('')"),
    "a sparse array as text": killed("String(Array(2 ** 32 - 1))"),
    "indexOf": stopped("[].indexOf.call({length: 2 ** 53 - 1}, 1)"),
    "forEach": stopped("[].forEach.call({length: 2 ** 53 - 1}, () => 0)"),
    "a typed array that is searched again and again": stopped(
        "const a = new Uint8Array(2e7); for (;;) a.indexOf(1)"
    ),
    "a typed array that is filled again and again": stopped(
        "const a = new Uint8Array(2e7); for (;;) a.fill(1)"
    ),
    "a sort of much": ended("for (;;) Array.from({length: 2e5}, () => Math.random()).sort()", Reason.TIMEOUT),
    "too many arguments": refused("Math.max.apply(null, Array(1e6))"),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
