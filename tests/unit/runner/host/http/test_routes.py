import ipaddress

import pytest

from scriptorium_api.host_patterns import parse_host_pattern
from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http.addresses import judge_address
from scriptorium_runner.host.http.routes import Route, decide_route
from scriptorium_runner.host.http.settings import HttpSettings
from scriptorium_runner.host.http.targets import parse_target

PROXY = "http://proxy.example.com:3128"
PRIVATE = (ipaddress.ip_network("10.0.0.0/8"),)


def decide(
    *found: str,
    url: str = "https://api.example.com/",
    pattern: str = "api.example.com",
    settings: HttpSettings | None = None,
) -> Route:
    addresses = [ipaddress.ip_address(text) for text in found]
    return decide_route(
        parse_target(url),
        addresses,
        parse_host_pattern(pattern),
        lambda address, _: judge_address(address),
        settings or HttpSettings(),
    )


def test_a_host_is_reached_at_its_addresses_and_not_at_all_of_many() -> None:
    assert decide("1.1.1.1", "2606::1", "1.1.1.2", "1.1.1.3").hosts == ("1.1.1.1", "2606::1", "1.1.1.2")


@pytest.mark.parametrize("bad", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "64:ff9b::7f00:1"])
@pytest.mark.parametrize(
    "settings", [HttpSettings(), HttpSettings(proxy=PROXY), HttpSettings(proxy=PROXY, proxy_resolves=True)]
)
def test_one_bad_address_among_good_ones_refuses_the_host(bad: str, settings: HttpSettings) -> None:
    for found in ([bad, "1.1.1.1"], ["1.1.1.1", bad], ["1.1.1.1"] * 3 + [bad]):
        with pytest.raises(HostError) as caught:
            decide(*found, settings=settings)
        assert caught.value.code == "ADDRESS_NOT_ALLOWED"
        assert bad not in caught.value.message


def test_the_refusal_of_a_private_address_says_what_would_open_it() -> None:
    with pytest.raises(HostError, match=r"without \*, and the platform must have opened its range"):
        decide("10.0.0.1", pattern="*.example.com", settings=HttpSettings(private_networks=PRIVATE))


def test_the_proxy_is_asked_for_the_address_that_was_judged() -> None:
    route = decide("1.1.1.1", settings=HttpSettings(proxy=PROXY))
    assert route == Route(hosts=("1.1.1.1",), is_proxied=True)


def test_a_proxy_that_resolves_is_asked_for_the_name() -> None:
    settings = HttpSettings(proxy=PROXY, proxy_resolves=True)
    assert decide("1.1.1.1", settings=settings).hosts == ("api.example.com",)
    assert decide(settings=settings).hosts == ("api.example.com",)


def test_what_is_private_is_never_asked_of_the_proxy() -> None:
    for resolves in (False, True):
        settings = HttpSettings(proxy=PROXY, proxy_resolves=resolves, private_networks=PRIVATE)
        assert decide("10.0.0.1", settings=settings) == Route(hosts=("10.0.0.1",), is_proxied=False)


def test_plain_http_cannot_be_led_to_an_address_by_a_proxy() -> None:
    with pytest.raises(HostError, match="by https only"):
        decide("1.1.1.1", url="http://api.example.com/", settings=HttpSettings(proxy=PROXY))
