"""Who is one caller by address: pure."""

import ipaddress

#: The smallest network that a customer of a provider has: all of its addresses are that customer's to choose.
_OF_ONE_CUSTOMER = 64


def find_network(address: str) -> str:
    """Give what callers are counted by: an address of IPv4, or the network of one of IPv6.

    Who has one address of IPv6 has 2 to the 64th power of them, and could come with another each time.
    """
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address, _OF_ONE_CUSTOMER), strict=False))
    except ValueError:
        return address
