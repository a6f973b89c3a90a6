"""Code that runs while others look."""

import pytest

from scriptorium_api.reasons import Reason
from tests.attack.stage import check_attack, check_scene, ended, make_scene, stopped

ATTACKS = {
    "a getter in the result": stopped("return {get x() { for (;;); }}"),
    "a getter named then": stopped("return {get then() { for (;;); }}"),
    "a thenable result": stopped("return {then() { for (;;); }}"),
    "a proxy as the result": stopped("return new Proxy({}, {ownKeys() { for (;;); }})"),
    "a proxy that always has one more key": ended(
        "return new Proxy({}, {ownKeys: () => Array.from({length: 1e6}, (_, i) => 'k' + i), "
        "getOwnPropertyDescriptor: () => ({enumerable: true, configurable: true, value: 1})})",
        Reason.TIMEOUT,
        Reason.OUTPUT_LIMIT,
        Reason.MEMORY_LIMIT,
    ),
    "a getter in an error": stopped("throw {get message() { for (;;); }}"),
    "a name that never ends": stopped("const e = new Error(); e.name = {toString() { for (;;); }}; throw e"),
    "a stack that never ends": stopped("throw {name: 'E', message: 'm', get stack() { for (;;); }}"),
    "a getter in a console line": stopped("console.log({get x() { for (;;); }})"),
    "a proxy in a console line": stopped("console.log(new Proxy([], {get() { for (;;); }}))"),
    "a thenable whose end is caught": stopped("try { await {get then() { for (;;); }} } catch {} return 1"),
    "a prototype with an endless setter": ended(
        "Object.defineProperty(Object.prototype, 'value', {set() { for (;;); }}); return 1",
        Reason.COMPLETED,
        Reason.TIMEOUT,
    ),
    "a species that never ends": stopped(
        "class A extends Array { static get [Symbol.species]() { for (;;); } } new A(3).map(String)"
    ),
}

scene = make_scene(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_stopped(attack, scene):
    check_attack(ATTACKS[attack], scene.results[attack])


def test_neighbours_and_the_next_runs_notice_nothing(scene):
    check_scene(scene)
