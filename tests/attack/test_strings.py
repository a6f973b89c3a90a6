"""Strings that are too long, or searched too slowly."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, killed, make_scene, refused, stopped

ATTACKS = {
    "a string beyond all bounds": refused("'x'.repeat(2 ** 30)"),
    "a string that doubles": ended(
        "let s = 'x'; for (;;) s = JSON.parse(JSON.stringify(s + s))",
        Reason.MEMORY_LIMIT,
        Reason.TIMEOUT,
        Reason.SCRIPT_ERROR,
    ),
    "a quadratic search": killed("const a = 'a'.repeat(4e6); a.indexOf('a'.repeat(2e6) + 'b')"),
    "a quadratic search by includes": killed("const a = 'a'.repeat(4e6); a.includes('a'.repeat(2e6) + 'b')"),
    "a raw template of endless length": killed("String.raw({raw: {length: 2 ** 53 - 1}})"),
    "a loop of repetitions": stopped("for (;;) 'x'.repeat(1e7)"),
    "a loop of normalizations": stopped("const s = '\u0041\u030a'.repeat(5e5); for (;;) s.normalize('NFC')"),
    "a loop of capitals": stopped("const s = 'x'.repeat(5e6); for (;;) s.toUpperCase()"),
    "a loop of paddings": stopped("for (;;) 'x'.padStart(1e7, 'ab')"),
    "a loop of escapes": stopped("const s = '\u20ac'.repeat(1e6); for (;;) encodeURIComponent(s)"),
    "numbers of a million digits": stopped("const s = '1'.repeat(1e6); for (;;) parseFloat(s)"),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
