"""Regular expressions that backtrack without end."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, make_scene, refused, stopped

ATTACKS = {
    "nested quantifiers": stopped("/^(a+)+$/.test('a'.repeat(50) + 'b')"),
    "back references": stopped(r"/(a*)*\1(a*)*\1$/.test('a'.repeat(60) + 'b')"),
    "alternatives that overlap": stopped("/^(a|a|aa)+$/.test('a'.repeat(60) + 'b')"),
    "a look-ahead": stopped("/^(?=(a+)+$)b/.test('a'.repeat(50) + 'b')"),
    "two that fight for the same": stopped("/(x+x+)+y/.test('x'.repeat(60))"),
    "a replacement for each of many": ended(
        "'a'.repeat(5e5).replace(/a/g, () => 'b'.repeat(1e4))", Reason.MEMORY_LIMIT, Reason.TIMEOUT
    ),
    "a split by a pattern that backtracks": stopped("('a'.repeat(40) + 'b').split(/(a+)+$/)"),
    "a loop of patterns that are compiled anew": stopped(
        "for (let i = 0; ; i++) new RegExp('a{' + (i % 1000) + '}')"
    ),
    "a pattern that is nested too deeply": refused("new RegExp('('.repeat(1e5))"),
    "a pattern with too large a count": ended(
        "/(?:a{0,65535}){0,65535}b/.test('a'.repeat(1e6))",
        Reason.TIMEOUT,
        Reason.SCRIPT_ERROR,
        Reason.MEMORY_LIMIT,
    ),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
