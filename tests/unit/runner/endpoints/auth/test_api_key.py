"""Keys of a Secret: whose they are, and what is no key."""

import pytest

from scriptorium_runner.endpoints.auth import Admitted, Refused, api_key
from tests.support.callers import FixedSecrets, decide, make_call, make_ways

WAYS = make_ways({"apiKey": {"header": "X-Key", "secretRef": {"name": "keys"}}})
BY_QUERY = make_ways({"apiKey": {"query": "key", "secretRef": {"name": "keys"}}})
SECRETS = FixedSecrets(
    keys={
        "shop": b"one",
        "till": b"two\n",
        "windows": b"three\r\n",
        "lines": b"four\n\n",
        "empty": b"",
        "bare": b"\n",
    }
)


@pytest.mark.parametrize(
    ("key", "owner"), [("one", "shop"), ("two", "till"), ("three", "windows"), ("four\n", "lines")]
)
async def test_each_value_is_a_key_and_its_name_says_whose(key: str, owner: str) -> None:
    answer = await decide(WAYS, make_call(("x-key", key)), SECRETS)
    assert answer == Admitted({"id": owner}, f"apiKey:{owner}")


@pytest.mark.parametrize("key", ["", "\n", "two\n", "ONE", "on", "onee", "one\0", "shop", "\udcff"])
async def test_what_is_no_key_is_refused(key: str) -> None:
    answer = await decide(WAYS, make_call(("x-key", key)), SECRETS)
    assert isinstance(answer, Refused)
    assert answer.status == 401


async def test_no_caller_can_send_half_a_character_and_one_who_does_is_refused() -> None:
    assert isinstance(await decide(WAYS, make_call(("x-key", "\ud800")), SECRETS), Refused)


async def test_nothing_of_a_wrong_key_is_told_to_anybody() -> None:
    answer = await decide(WAYS, make_call(("x-key", "almost-right-7")), SECRETS)
    assert "almost" not in repr(answer)


async def test_blanks_around_a_header_are_not_of_the_key() -> None:
    assert isinstance(await decide(WAYS, make_call(("x-key", " one\t")), SECRETS), Admitted)


async def test_a_key_in_the_query_is_decoded() -> None:
    secrets = FixedSecrets(keys={"shop": "ö&?".encode()})
    answer = await decide(BY_QUERY, make_call(raw_query="a=1&key=%C3%B6%26%3F"), secrets)
    assert isinstance(answer, Admitted)


async def test_a_key_need_not_be_text() -> None:
    secrets = FixedSecrets(keys={"shop": b"\xff\xfe"})
    assert isinstance(await decide(BY_QUERY, make_call(raw_query="key=%FF%FE"), secrets), Admitted)
    assert isinstance(await decide(WAYS, make_call(("x-key", "\udcff\udcfe")), secrets), Admitted)


async def test_a_key_is_looked_for_in_its_place_alone() -> None:
    in_query, in_header = (
        make_call(raw_query="key=one&X-Key=one"),
        make_call(("x-key", "one"), ("key", "one")),
    )
    for ways, call in ((WAYS, in_query), (BY_QUERY, in_header)):
        answer = await decide(ways, call, SECRETS)
        assert isinstance(answer, Refused)
        assert answer.reason == "no credentials were sent"


async def test_of_a_key_in_both_places_each_way_sees_its_own() -> None:
    call = make_call(("x-key", "one"), raw_query="key=wrong")
    assert isinstance(await decide([*WAYS, *BY_QUERY], call, SECRETS), Admitted)
    assert isinstance(await decide([*BY_QUERY, *WAYS], call, SECRETS), Refused)


@pytest.mark.parametrize("second", ["one", "two", ""])
async def test_two_keys_are_refused_even_if_both_are_right(second: str) -> None:
    calls = (make_call(("x-key", "one"), ("x-key", second)), make_call(raw_query=f"key=one&key={second}"))
    for ways, call in zip((WAYS, BY_QUERY), calls, strict=True):
        answer = await decide(ways, call, SECRETS)
        assert isinstance(answer, Refused)
        assert answer.status == 400


async def test_a_very_long_key_is_refused_before_it_is_compared() -> None:
    secrets = FixedSecrets(keys={"shop": b"k" * 20_000})
    answer = await decide(WAYS, make_call(("x-key", "k" * 20_000)), secrets)
    assert isinstance(answer, Refused)
    assert answer.status == 401


async def test_without_a_place_the_header_is_x_api_key() -> None:
    ways = make_ways({"apiKey": {"secretRef": {"name": "keys"}}})
    assert isinstance(await decide(ways, make_call(("x-api-key", "one")), SECRETS), Admitted)


def test_a_key_of_two_names_is_always_the_same_ones() -> None:
    assert (
        api_key.find_owner(b"k", {"b": b"k", "a": b"k"})
        == api_key.find_owner(b"k", {"a": b"k", "b": b"k"})
        == "a"
    )
