"""JSON that is too large, too deep or too clever."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, make_scene, refused, stopped

ATTACKS = {
    "a text that is too deep": refused("JSON.parse('['.repeat(1e5))"),
    "a value that is too deep": refused(
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)"
    ),
    "a result that is too deep": refused("let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a"),
    "a result that is too large": ended("return 'x'.repeat(1e6)", Reason.OUTPUT_LIMIT),
    "a circle": refused("const a = {}; a.a = a; return a"),
    "a loop of texts": stopped("const a = Array(1e5).fill(1); for (;;) JSON.stringify(a)"),
    "a text of many megabytes": ended(
        "JSON.parse('[' + '1,'.repeat(2e7) + '1]')", Reason.MEMORY_LIMIT, Reason.TIMEOUT, Reason.SCRIPT_ERROR
    ),
    "toJSON that never returns": stopped("return {toJSON() { for (;;); }}"),
    "a reviver that never returns": stopped("JSON.parse('[1]', () => { for (;;); })"),
    "a replacer that makes more and more": ended(
        "JSON.stringify({a: 1}, (key, value) => ({a: value}))",
        Reason.SCRIPT_ERROR,
        Reason.TIMEOUT,
        Reason.MEMORY_LIMIT,
    ),
    "a result that shares one part a million times": ended(
        "const part = 'x'.repeat(1000); return Array(1e6).fill(part)",
        Reason.MEMORY_LIMIT,
        Reason.OUTPUT_LIMIT,
        Reason.TIMEOUT,
    ),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
