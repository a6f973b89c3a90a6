"""Memory that holds code which was made at run time, such as the interrupt handler's entry."""

from scriptorium_runner.engine.seal import kernel


def make_final() -> None:
    """Have no memory that can be written as well as run; after this no callback for C can be made.

    ctypes makes its callbacks in a page that stays open for both, from where an attacker could run code.
    """
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        places = [line.split()[:2] for line in maps]
    for place, rights in places:
        if "w" in rights and "x" in rights:
            start, end = (int(number, 16) for number in place.split("-"))
            kernel.forbid_writes(start, end - start)
