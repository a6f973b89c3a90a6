"""How a request gets to its host, once the addresses are known. Pure."""

from collections.abc import Sequence

from scriptorium_api.host_patterns import Address, HostPattern
from scriptorium_api.values import frozen
from scriptorium_runner.host.http import addresses
from scriptorium_runner.host.http.addresses import Judge, Verdict
from scriptorium_runner.host.http.failures import Code, failure
from scriptorium_runner.host.http.settings import HttpSettings
from scriptorium_runner.host.http.targets import Target

#: A host with many addresses is not tried at all of them.
_MOST_TRIED = 3


@frozen(kw_only=True)
class Route:
    """Whom to connect to."""

    hosts: tuple[str, ...]
    """Checked addresses to be tried in turn; a name only where the proxy resolves names."""
    is_proxied: bool


def decide_route(
    target: Target, found: Sequence[Address], pattern: HostPattern, judge: Judge, settings: HttpSettings
) -> Route:
    """Say which way a request takes; raises HostError if one of the host's addresses is not permitted.

    One bad address refuses all: a name that has both is not one to be trusted with the choice.
    """
    verdicts = [judge(address, target.port) for address in found]
    for address, verdict in zip(found, verdicts, strict=True):
        if not addresses.is_permitted(address, verdict, pattern, settings.private_networks):
            raise failure(Code.ADDRESS_NOT_ALLOWED, _explain(target, verdict))
    if settings.proxy is None or Verdict.PRIVATE in verdicts:
        return Route(hosts=_write(found[:_MOST_TRIED]), is_proxied=False)
    return _route_by_proxy(target, found, settings)


def _route_by_proxy(target: Target, found: Sequence[Address], settings: HttpSettings) -> Route:
    if settings.proxy_resolves:
        return Route(hosts=(target.host,), is_proxied=True)
    if target.scheme == "http":
        # A proxy sends a plain request to whom its URL names; only a tunnel leads to an address under a name.
        raise failure(
            Code.PROXY_FAILED,
            f"{target.authority} can be reached by https only, through the platform's proxy",
        )
    return Route(hosts=_write(found[:_MOST_TRIED]), is_proxied=True)


def _write(found: Sequence[Address]) -> tuple[str, ...]:
    return tuple(str(address) for address in found)


def _explain(target: Target, verdict: Verdict) -> str:
    if verdict is Verdict.REFUSED:
        return f"{target.host} has an address that no script may reach"
    return (
        f"{target.host} has a private address: permissions.http.allow must name the host without *, "
        "and the platform must have opened its range (http.privateCIDRs)"
    )
