"""BigInts that take for ever."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, killed, make_scene, refused, stopped

ATTACKS = {
    "an enormous power": refused("2n ** 10000000000n"),
    "a power that grows": ended("let x = 2n; for (;;) x = x * x", Reason.SCRIPT_ERROR, Reason.TIMEOUT),
    "a text of a large one": killed("(2n ** 950000n).toString()"),
    "a large one in a message": killed("throw new Error(String(3n ** 600000n))"),
    "a loop of powers": stopped("for (;;) 3n ** 300000n"),
    "a loop of divisions": stopped("const a = 3n ** 500000n, b = 7n ** 100000n; for (;;) a / b"),
    "a number from a long text": ended(
        "BigInt('1'.repeat(3e5))", Reason.TIMEOUT, Reason.COMPLETED, Reason.SCRIPT_ERROR
    ),
    "a shift beyond all bounds": refused("1n << (2n ** 62n)"),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
