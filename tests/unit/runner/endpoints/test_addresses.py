"""Who is one caller by address."""

import pytest

from scriptorium_api.endpoints.traffic import RateLimit
from scriptorium_runner.endpoints import addresses, admitting
from scriptorium_runner.endpoints.auth.verdicts import Admitted
from tests.support.callers import FixedDoors, FixedSecrets, decide, make_call, make_ways


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff:1:2:3", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("nonsense", "nonsense"),
        ("non:sense", "non:sense"),
        ("", ""),
    ],
)
def test_an_address_that_its_owner_can_change_at_will_is_counted_as_all_of_them(
    address: str, network: str
) -> None:
    assert addresses.find_network(address) == network


async def test_another_address_of_the_same_network_is_no_other_caller() -> None:
    calls = [make_call(ip=f"2001:db8::{number}") for number in (1, 2)]
    limit = RateLimit(requests=1)
    assert len({admitting.find_caller(limit, each, None) for each in calls}) == 1
    ways = make_ways({"none": {}})
    found = [await decide(ways, each, FixedSecrets(), FixedDoors()) for each in calls]
    assert len({each.who for each in found if isinstance(each, Admitted)}) == 1
