"""Who compiled the engine that is loaded: the wheel's makers, or the build of our images, which leaves a mark
in the module itself (engine_build/mark.h)."""

import ctypes

from scriptorium_runner.engine.inside import native

_MARK = "scriptorium_engine_build"
WHEEL = "wheel"


def read_build(library: str = native.LIBRARY) -> str:
    """Give `wheel`, or `rebuilt: ` with the flags and the compiler."""
    try:
        mark = ctypes.c_char.in_dll(ctypes.CDLL(library), _MARK)
    except ValueError:
        return WHEEL
    return ctypes.string_at(ctypes.addressof(mark)).decode()
