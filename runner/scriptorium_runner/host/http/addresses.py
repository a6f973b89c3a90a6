"""Which addresses scripts may reach. Pure; it needs no NetworkPolicy and believes no name.

An address is judged by what a packet to it would reach: the IPv4 address inside an IPv4-mapped or NAT64 one
counts. The tables are our own: the standard library's differ between its versions and lack clouds' services.
"""

import ipaddress
from collections.abc import Callable, Iterable
from enum import StrEnum

from scriptorium_api.host_patterns import Address, HostPattern

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Verdict(StrEnum):
    """What an address is to a script."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Only where the platform and the Script both name it."""
    REFUSED = "refused"
    """Never, whoever asks."""


#: Says what an address is at a port; tests wrap the real one to admit exactly their own server.
Judge = Callable[[Address, int], Verdict]


def _read(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_PRIVATE = _read(
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # shared by carriers, and what several clouds give to pods
    "198.18.0.0/15",  # benchmarks; some clusters use it as one more private range
    "fc00::/7",
)

_REFUSED = _read(
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local, and the metadata service of most clouds
    "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is one cloud's metadata
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "192.88.99.0/24",  # 6to4 relays
    "224.0.0.0/3",  # multicast, reserved, broadcast
    "100.100.100.200/32",  # a metadata service within the shared range
    "168.63.129.16/32",  # a metadata service within the public range
    "fd00:ec2::/32",  # metadata, DNS and credentials of one cloud
    "fd20:ce::254/128",  # metadata of another
    "2001::/23",  # Teredo, ORCHID, benchmarks: nothing there is a plain host
    "2001:db8::/32",
    "2002::/16",  # 6to4: an IPv4 address in disguise
    "3fff::/20",
)

_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def unwrap(address: Address) -> Address:
    """Give the address that a packet would reach: IPv4 where IPv6 only wraps it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


def judge_address(address: Address, denied: Iterable[Network] = ()) -> Verdict:
    """Say what an address is; `denied` are the platform's own: the nodes', the API server's."""
    reached = unwrap(address)
    if any(address in network or reached in network for network in (*_REFUSED, *denied)):
        return Verdict.REFUSED
    if any(reached in network for network in _PRIVATE):
        return Verdict.PRIVATE
    is_plain = reached.version == 4 or reached in _GLOBAL_IPV6
    return Verdict.PUBLIC if is_plain else Verdict.REFUSED


def is_permitted(
    address: Address, verdict: Verdict, pattern: HostPattern, private_networks: Iterable[Network]
) -> bool:
    """Say whether a script whose manifest has this pattern may reach an address with this verdict."""
    if verdict is Verdict.PRIVATE:
        reached = unwrap(address)
        return not pattern.is_wildcard and any(reached in network for network in private_networks)
    return verdict is Verdict.PUBLIC


def is_private(network: Network) -> bool:
    """Say whether all of a network lies in the private ranges, the only ones that a platform may open."""
    return any(network.version == each.version and network.subnet_of(each) for each in _PRIVATE)  # type: ignore[arg-type]
