"""Where the API server is, and where it was: scripts are kept away from both. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from scriptorium_operator.facts import Address


def remember(known: Iterable[Address], found: Iterable[Address]) -> list[Address]:
    """Give what was found, and as former ones the known addresses that are not told any more.

    Each restart of a control plane takes its address away and brings it back. Runners are told all of them
    by their environment, so to forget one would replace every pool's pods, twice.
    """
    present = set(found)
    former = {replace(each, is_former=True) for each in known if each not in present}
    back = {replace(each, is_former=True) for each in present}
    return sorted((former - back) | present, key=lambda each: (each.is_former, each.port, each.ip))
