"""What the names of env stand for, and what is told of those that stand for nothing."""

import pytest

from scriptorium_api.env import EnvVar, Origin, ValueRef
from scriptorium_runner.sources.values import pick_values

KEY = ValueRef(Origin.SECRET, "payment", "api-key")


def inline(name: str, value: str) -> EnvVar:
    return EnvVar(name=name, value=value)


def from_secret(name: str = "KEY", key: str = "api-key") -> EnvVar:
    return EnvVar.model_validate(
        {"name": name, "valueFrom": {"secretKeyRef": {"name": "payment", "key": key}}}
    )


def from_config_map(name: str = "REGION") -> EnvVar:
    return EnvVar.model_validate(
        {"name": name, "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "region"}}}
    )


def test_each_name_has_its_value() -> None:
    there = {KEY: b"hush", ValueRef(Origin.CONFIG_MAP, "settings", "region"): "é\n".encode()}
    values = pick_values([inline("A", ""), from_secret(), from_config_map()], there.get, "")
    assert values.env == {"A": "", "KEY": "hush", "REGION": "é\n"}
    assert not values.problem


def test_only_what_comes_from_secrets_is_secret() -> None:
    values = pick_values(
        [inline("A", "plain"), from_secret(), from_config_map()], lambda ref: ref.key.encode(), ""
    )
    assert values.secrets == {"api-key"}
    assert "api-key" not in repr(values)


def test_an_empty_value_is_a_value() -> None:
    assert pick_values([from_secret()], lambda _: b"", "").env == {"KEY": ""}


def test_all_that_is_missing_is_told_with_its_place_and_the_cure() -> None:
    values = pick_values([inline("A", "1"), from_secret(), from_config_map()], lambda _: None, "make it")
    assert values.env == {}
    assert values.problem == (
        'no value yet for env.KEY (Secret "payment", key "api-key"),'
        ' env.REGION (ConfigMap "settings", key "region"): make it'
    )


def test_a_long_list_of_missing_values_is_cut() -> None:
    env = [from_secret(f"KEY{number}", "k" * 253) for number in range(64)]
    problem = pick_values(env, lambda _: None, "make it").problem
    assert "and 59 more: make it" in problem
    assert len(problem) < 8192


def test_bytes_that_are_no_text_are_told_and_not_shown() -> None:
    problem = pick_values([from_secret()], lambda _: b"hush\xff", "").problem
    assert problem.startswith('env.KEY cannot be used: Secret "payment", key "api-key", is not UTF-8 text')
    assert "hush" not in problem


def test_a_file_that_cannot_be_read_is_told() -> None:
    def refuse(_: ValueRef) -> bytes:
        raise PermissionError(13, "Permission denied")

    assert (
        "cannot be read by this runner: Permission denied" in pick_values([from_secret()], refuse, "").problem
    )


@pytest.mark.parametrize(("size", "is_taken"), [(65535, True), (65536, False)])
def test_all_values_together_have_a_limit(size: int, *, is_taken: bool) -> None:
    values = pick_values([inline("A", "1"), from_secret()], lambda _: b"x" * size, "")
    assert bool(values.env) is is_taken
    assert ("more than 65536 bytes together" in values.problem) is not is_taken
