"""The gateways of a pod: often the node itself, by an address that Kubernetes does not tell."""

import ipaddress
import sys
from pathlib import Path

from scriptorium_api.host_patterns import Address

_NET = Path("/proc/net")


def find_gateways(folder: Path = _NET) -> tuple[Address, ...]:
    """Give the addresses of all gateways that the kernel knows here."""
    four = (read_ipv4_gateway(line) for line in _read_lines(folder / "route"))
    six = (read_ipv6_gateway(line) for line in _read_lines(folder / "ipv6_route"))
    return tuple(dict.fromkeys(each for each in (*four, *six) if each is not None))


def read_ipv4_gateway(line: str) -> Address | None:
    """Read the gateway of a line of /proc/net/route; None if it has none."""
    fields = line.split()
    if len(fields) < 3 or fields[2] == "Gateway":
        return None
    # A number as this machine keeps it, though its bytes are in the network's order.
    address = ipaddress.IPv4Address(int(fields[2], 16).to_bytes(4, sys.byteorder))
    return None if address.is_unspecified else address


def read_ipv6_gateway(line: str) -> Address | None:
    """Read the gateway of a line of /proc/net/ipv6_route; None if it has none."""
    fields = line.split()
    if len(fields) < 5:
        return None
    address = ipaddress.IPv6Address(bytes.fromhex(fields[4]))
    return None if address.is_unspecified else address


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        # A kernel without this version of IP has no gateways of it.
        return []
