"""What the Scripts and Endpoints of a namespace name, counted as they come and go."""

import random

from scriptorium_api.env import Origin, ValueRef
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services.named_values import NamedValues

VALUES = [ValueRef(Origin.SECRET, name, "key") for name in "abcde"]


def test_after_any_changes_it_has_what_the_scripts_name_and_told_of_each_change() -> None:
    draw = random.Random(7)  # noqa: S311 - the same changes every time.
    counted, scripts = NamedValues(), dict[Key, frozenset[ValueRef]]()
    for _ in range(2000):
        key = Key(Kind.SCRIPT, draw.choice(("team", "other")), draw.choice("xyz"))
        before = set(counted.list_values(key.namespace))
        scripts[key] = frozenset(draw.sample(VALUES, draw.randrange(4)))
        is_changed = counted.record(key, scripts[key])
        for namespace in ("team", "other"):
            named = [values for each, values in scripts.items() if each.namespace == namespace]
            assert sorted(counted.list_values(namespace)) == sorted(frozenset().union(*named))
        assert is_changed == (set(counted.list_values(key.namespace)) != before)


def test_what_is_told_again_is_counted_anew() -> None:
    counted = NamedValues()
    counted.record(Key(Kind.SCRIPT, "team", "x"), frozenset(VALUES))
    counted.record(Key(Kind.ENDPOINT, "team", "x"), frozenset(VALUES[:1]))
    counted.clear(Kind.SCRIPT)
    assert list(counted.list_values("team")) == VALUES[:1]
    counted.clear(Kind.ENDPOINT)
    assert counted.list_values("team") == ()
