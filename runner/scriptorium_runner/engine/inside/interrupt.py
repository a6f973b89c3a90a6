"""The engine's wall-clock limit.

The module's own set_time_limit counts CPU time (a throttled container would outlive its limit by far) and
forbids Python callables. The wheel exports the engine's C API, so the interrupt handler is set through ctypes
instead: it is asked every 10 000 events and looks at the clock. `self_test` proves it on the module that is
installed.
"""

import ctypes
import time
from typing import Any

from scriptorium_runner.engine.errors import EngineStartFailed
from scriptorium_runner.engine.inside import native

_HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
#: In quickjs-ng 0.17.0.2 a Python Context is the object head, then JSRuntime*, then JSContext*.
_RUNTIME_OFFSET = 16
_CONTEXT_OFFSET = 24


def find_inner_context(context: Any) -> int:
    """Give the engine's own context inside of Python's; `Deadline.self_test` proves that it is one."""
    return ctypes.c_void_p.from_address(id(context) + _CONTEXT_OFFSET).value or 0


class Deadline:
    """A point in time after which the engine stops whatever it runs; one per process, armed for each run."""

    def __init__(self) -> None:
        library = ctypes.CDLL(native.LIBRARY)
        self._set_handler = library.JS_SetInterruptHandler
        self._set_handler.argtypes = [ctypes.c_void_p, _HANDLER, ctypes.c_void_p]
        self._set_handler.restype = None
        self._runtime_of = library.JS_GetRuntime
        self._runtime_of.argtypes = [ctypes.c_void_p]
        self._runtime_of.restype = ctypes.c_void_p
        self._handler = _HANDLER(lambda runtime, opaque: self.check())
        self._at = float("inf")
        self.has_passed = False

    def arm(self, seconds: float) -> None:
        """Let the time run from now."""
        self._at = time.monotonic() + seconds
        self.has_passed = False

    def expire(self) -> None:
        """End the time now: whatever runs is stopped, and cannot catch it."""
        self._at = float("-inf")

    def disarm(self) -> None:
        """Let the next code run without a limit."""
        self._at = float("inf")

    def check(self) -> bool:
        """Say whether the time is over, and remember that somebody was told."""
        if time.monotonic() < self._at:
            return False
        self.has_passed = True
        return True

    def attach(self, context: Any) -> None:
        """Make a context ask this deadline."""
        runtime = ctypes.c_void_p.from_address(id(context) + _RUNTIME_OFFSET).value
        self._set_handler(runtime, self._handler, None)

    def self_test(self) -> None:
        """Raise unless the module is laid out as this file believes and an endless loop is stopped."""
        context = native.Context()
        inner = find_inner_context(context)
        runtime = ctypes.c_void_p.from_address(id(context) + _RUNTIME_OFFSET).value
        if not runtime or self._runtime_of(inner) != runtime:
            raise EngineStartFailed("this build of quickjs-ng keeps its runtime elsewhere")
        self.attach(context)
        self.arm(0)
        try:
            context.eval("for (let i = 0; i < 1e6; i++);")
        except native.JSException:
            return
        finally:
            self.disarm()
        raise EngineStartFailed("this build of quickjs-ng does not ask its interrupt handler")
