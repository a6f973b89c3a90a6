from scriptorium_api.env import Origin, ValueRef
from scriptorium_operator.decide.env_values import MAX_KEYS, MAX_OBJECTS, decide_values


def secret(name: str, key: str = "key") -> ValueRef:
    return ValueRef(Origin.SECRET, name, key)


def test_the_same_values_are_mounted_in_the_same_order() -> None:
    values = [secret("b"), secret("a", "y"), ValueRef(Origin.CONFIG_MAP, "z", "k"), secret("a", "x")]
    found = decide_values(values)
    assert found == decide_values(list(reversed(values)) + values)
    assert [(value.name, value.key) for value in found.mounted] == [
        ("z", "k"),
        ("a", "x"),
        ("a", "y"),
        ("b", "key"),
    ]
    assert found.problem == ""


def test_more_objects_than_one_volume_takes_are_told_with_the_cure() -> None:
    found = decide_values([secret(f"s{number:03}", key) for number in range(MAX_OBJECTS + 2) for key in "ab"])
    assert len({value.name for value in found.mounted}) == MAX_OBJECTS
    assert len(found.mounted) == 2 * MAX_OBJECTS
    assert 'Left out: 4, the first is Secret "s100", key "a".' in found.problem


def test_more_keys_than_one_volume_takes_are_told_with_the_cure() -> None:
    found = decide_values([secret("s", f"k{number:03}") for number in range(MAX_KEYS + 1)])
    assert len(found.mounted) == MAX_KEYS
    assert 'Left out: 1, the first is Secret "s", key "k500".' in found.problem


def test_no_values_are_no_problem() -> None:
    assert decide_values([]).mounted == ()
