"""Which addresses are public, private, or nobody's to reach, for runners and NetworkPolicies. Pure.

The tables are our own: the standard library's differ between its versions and lack clouds' services.
"""

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _read(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


#: Reached only where the platform and the Script both name it.
PRIVATE = _read(
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # shared by carriers, and what several clouds give to pods
    "198.18.0.0/15",  # benchmarks; some clusters use it as one more private range
    "fc00::/7",
)

#: Never reached, whoever asks.
REFUSED = _read(
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

#: Public hosts are in these, where the tables above do not take them out.
PLAIN = _read("0.0.0.0/0", "2000::/3")

#: An IPv4 address behind it is reached by IPv6 in networks that have no other.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def wrap(network: ipaddress.IPv4Network) -> ipaddress.IPv6Network:
    """Give an IPv4 network as NAT64 has it."""
    first = int(NAT64.network_address) | int(network.network_address)
    return ipaddress.IPv6Network((first, NAT64.prefixlen + network.prefixlen))


def is_private(network: Network) -> bool:
    """Say whether all of a network lies in the private ranges, the only ones that a platform may open."""
    return any(is_within(network, each) for each in PRIVATE)


def is_within(network: Network, other: Network) -> bool:
    """Say whether all of a network lies in another one."""
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]


def read_networks(text: str) -> tuple[Network, ...]:
    """Read addresses and ranges with commas between; raises ValueError."""
    words = [word.strip() for word in text.split(",")]
    return tuple(ipaddress.ip_network(word) for word in words if word)


def find_holes(network: Network, others: Iterable[Network]) -> tuple[Network, ...]:
    """Give what others take out of a network, each address once; they do not take all of it."""
    inside = [each for each in others if each != network and is_within(each, network)]
    four = [each for each in inside if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in inside if isinstance(each, ipaddress.IPv6Network)]
    return (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))
