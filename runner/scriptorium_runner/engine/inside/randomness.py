"""Random numbers of the kernel, which no fork and no snapshot repeats, and the engine's own generator."""

import ctypes
import os
import struct
from typing import Any

from scriptorium_runner.engine.inside.interrupt import find_inner_context

_WORD = 2**64 - 1
#: How much of the engine's context is looked at; the state is in its first 600 bytes in quickjs-ng 0.17.
_LOOKED_AT_BYTES = 1024


def draw_fraction() -> float:
    """Draw a number from 0 to 1."""
    return (int.from_bytes(os.urandom(7)) >> 3) / 2**53


def draw_uuid() -> str:
    """Draw a UUID of version 4."""
    number = int.from_bytes(os.urandom(16)) & ~(0xF << 76 | 0x3 << 62) | 4 << 76 | 2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Generator:
    """What Math.random of one context draws from: xorshift64* by Vigna, with a state of eight bytes."""

    def __init__(self, place: int) -> None:
        self._state = ctypes.c_uint64.from_address(place)

    def reseed(self) -> None:
        """Begin a sequence that nobody knows."""
        self._state.value = int.from_bytes(os.urandom(8)) or 1


def find_generator(context: Any) -> Generator | None:
    """Find the state in the memory of a context that is in a snapshot, by what two draws make of it.

    The engine has no call for it. None where it is not found, and proven, exactly once.
    """
    inner = find_inner_context(context)
    before = _read_words(inner)
    first = context.eval("Math.random()")
    between = _read_words(inner)
    second = context.eval("Math.random()")
    after = _read_words(inner)
    found = [
        index
        for index, word in enumerate(before)
        if _step(word) == (between[index], first) and _step(between[index]) == (after[index], second)
    ]
    return Generator(inner + 8 * found[0]) if len(found) == 1 else None


def _read_words(place: int) -> tuple[int, ...]:
    return struct.unpack(f"={_LOOKED_AT_BYTES // 8}Q", ctypes.string_at(place, _LOOKED_AT_BYTES))


def _step(state: int) -> tuple[int, float]:
    """Give the state that follows, and the number that is drawn."""
    state ^= state >> 12
    state ^= state << 25 & _WORD
    state ^= state >> 27
    drawn = state * 0x2545F4914F6CDD1D & _WORD
    return state, (drawn >> 12) / 2**52
