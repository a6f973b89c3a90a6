"""Whose turn it is when several Scripts wait for the same slots. Pure."""

from collections.abc import Mapping, Sequence


def find_cap(slots: int, share: float) -> int:
    """Give how many slots one Script may hold while others wait; one at least."""
    return max(1, int(slots * share))


def choose(waiting: Sequence[str], held: Mapping[str, int], cap: int) -> int:
    """Give the place in line of whom the next slot is for; the line names Scripts and is not empty.

    It is the first whose Script holds fewer slots than the cap. If there is none, nobody is kept from
    anything by the cap, and it is the first of those whose Script holds the fewest: no slot stays empty.
    """
    for place, script in enumerate(waiting):
        if held.get(script, 0) < cap:
            return place
    return min(range(len(waiting)), key=lambda place: held.get(waiting[place], 0))
