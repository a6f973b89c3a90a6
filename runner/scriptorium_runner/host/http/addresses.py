"""Which addresses scripts may reach. Pure; it needs no NetworkPolicy and believes no name.

An address is judged by what a packet to it would reach: the IPv4 address inside an IPv4-mapped or NAT64 one
counts. The tables are those of `scriptorium_api.address_ranges`.
"""

import ipaddress
from collections.abc import Callable, Iterable
from enum import StrEnum

from scriptorium_api.address_ranges import NAT64, PLAIN, PRIVATE, REFUSED, Network
from scriptorium_api.host_patterns import Address, HostPattern


class Verdict(StrEnum):
    """What an address is to a script."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Only where the platform and the Script both name it."""
    REFUSED = "refused"
    """Never, whoever asks."""


#: Says what an address is at a port; tests wrap the real one to admit exactly their own server.
Judge = Callable[[Address, int], Verdict]


def unwrap(address: Address) -> Address:
    """Give the address that a packet would reach: IPv4 where IPv6 only wraps it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address


def judge_address(address: Address, denied: Iterable[Network] = ()) -> Verdict:
    """Say what an address is; `denied` are the platform's own: the nodes', the API server's."""
    reached = unwrap(address)
    if any(address in network or reached in network for network in (*REFUSED, *denied)):
        return Verdict.REFUSED
    if any(reached in network for network in PRIVATE):
        return Verdict.PRIVATE
    return Verdict.PUBLIC if any(reached in network for network in PLAIN) else Verdict.REFUSED


def is_permitted(
    address: Address, verdict: Verdict, pattern: HostPattern, private_networks: Iterable[Network]
) -> bool:
    """Say whether a script whose manifest has this pattern may reach an address with this verdict."""
    if verdict is Verdict.PRIVATE:
        reached = unwrap(address)
        return not pattern.is_wildcard and any(reached in network for network in private_networks)
    return verdict is Verdict.PUBLIC
