from dataclasses import replace

from scriptorium_operator.decide.api_server import remember
from scriptorium_operator.facts import Address

SERVICE = Address("10.96.0.1", 443)
FIRST, SECOND = Address("10.0.0.1", 6443), Address("10.0.0.2", 6443)


def test_what_is_found_is_known() -> None:
    assert remember([], [SERVICE, FIRST]) == [SERVICE, FIRST]


def test_an_address_that_is_away_is_not_forgotten() -> None:
    assert remember([SERVICE, FIRST, SECOND], [SERVICE, FIRST]) == [
        SERVICE,
        FIRST,
        replace(SECOND, is_former=True),
    ]


def test_an_address_that_is_back_is_as_if_it_had_never_been_away() -> None:
    away = remember([SERVICE, FIRST, SECOND], [SERVICE, FIRST])
    assert remember(away, [SERVICE, FIRST, SECOND]) == [SERVICE, FIRST, SECOND]
    assert remember(away, [SERVICE, FIRST]) == away
