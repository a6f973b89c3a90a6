"""Sources of our own, compiled once in the zygote: a context then takes them up in a third of the time.

The engine trusts every byte of what it loads. So nothing but these sources is compiled, in a process that
runs no script, and nothing is written down: a worker has the bytes by its fork. The Python module cannot do
it; it is done through ctypes on what the library exports, for exactly one version of it, and tried first in a
process of its own. Where that fails, contexts evaluate the source.
"""

import ctypes
import functools
from typing import Any

from scriptorium_runner.engine.inside import native, trial
from scriptorium_runner.engine.inside.interrupt import find_inner_context

#: As JS_GetVersion says it; another version may number flags and tags otherwise.
_VERSION = b"0.17.0"
_COMPILE_ONLY = 1 << 5
_BYTECODE = 1 << 0
#: Without the text of each function, which would be most of what every context has to copy.
_STRIP_SOURCE = 1 << 4
_TAG_EXCEPTION = 6
_FILE_NAME = b"<input>"
#: The global that a source's value is handed over by; it is gone once it was read, before any script runs.
_HANDOVER = "__scriptorium"
_HAND_OVER = (
    "Object.defineProperty(globalThis, '{name}', "
    "{{configurable: true, get: () => {{ delete globalThis.{name}; return {source}; }}}})"
)
_PROBE, _ANSWER = "() => 6 * 7", 42


class _Value(ctypes.Structure):
    """A JSValue of 64-bit machines, which goes by value."""

    _fields_ = (("payload", ctypes.c_uint64), ("tag", ctypes.c_int64))


class Compiled:
    """A source whose value is a function, and its bytecode if there is any."""

    def __init__(self, source: str, code: bytes | None = None) -> None:
        self.source = source
        self.code = code

    def evaluate(self, context: Any) -> Any:
        """Give the source's value in a context."""
        if self.code is None or not _load(context, self.code):
            return context.eval(self.source)
        return context.get(_HANDOVER)


def compile_all(*sources: str) -> tuple[Compiled, ...]:
    """Compile sources of ours, or none of them where this engine does not do it as expected."""
    if not _is_known() or not trial.survives(lambda: all(_works(source) for source in (_PROBE, *sources))):
        return tuple(Compiled(source) for source in sources)
    return tuple(Compiled(source, _compile(source)) for source in sources)


def _is_known() -> bool:
    try:
        return bool(_library().JS_GetVersion() == _VERSION)
    except AttributeError:
        return False  # It exports something less.


def _works(source: str) -> bool:
    code = _compile(source)
    if code is None:
        return False
    context = native.Context()
    if not _load(context, code):
        return False
    value = context.get(_HANDOVER)
    is_gone = context.eval(f"typeof {_HANDOVER}") == "undefined"
    is_right = callable(value) and (source != _PROBE or value() == _ANSWER)
    # With assertions on the engine ends here if anything was kept too long, or freed twice.
    del value, context
    return is_gone and is_right


def _compile(source: str) -> bytes | None:
    library, context = _library(), native.Context()
    inner = find_inner_context(context)
    text = _HAND_OVER.format(name=_HANDOVER, source=source).encode()
    function = library.JS_Eval(inner, text, len(text), _FILE_NAME, _COMPILE_ONLY)
    if _failed(inner, function):
        return None
    size = ctypes.c_size_t()
    place = library.JS_WriteObject(inner, ctypes.byref(size), function, _BYTECODE | _STRIP_SOURCE)
    library.JS_FreeValue(inner, function)
    if not place:
        return None
    code = ctypes.string_at(place, size.value)
    library.js_free(inner, place)
    return code


def _load(context: Any, code: bytes) -> bool:
    """Run bytecode in a context; False if it cannot, for want of memory, and nothing was done."""
    library, inner = _library(), find_inner_context(context)
    function = library.JS_ReadObject(inner, code, len(code), _BYTECODE)
    if _failed(inner, function):
        return False
    value = library.JS_EvalFunction(inner, function)  # Which frees the function.
    if _failed(inner, value):
        return False
    library.JS_FreeValue(inner, value)
    return True


def _failed(inner: int, value: _Value) -> bool:
    """Say whether a value stands for an exception, and take that one away."""
    if value.tag != _TAG_EXCEPTION:
        return False
    library = _library()
    library.JS_FreeValue(inner, library.JS_GetException(inner))
    return True


@functools.cache
def _library() -> Any:
    library = ctypes.CDLL(native.LIBRARY)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    signatures: dict[str, tuple[list[Any], Any]] = {
        "JS_GetVersion": ([], ctypes.c_char_p),
        "JS_Eval": ([pointer, ctypes.c_char_p, size, ctypes.c_char_p, ctypes.c_int], _Value),
        "JS_WriteObject": ([pointer, ctypes.POINTER(size), _Value, ctypes.c_int], pointer),
        "JS_ReadObject": ([pointer, ctypes.c_char_p, size, ctypes.c_int], _Value),
        "JS_EvalFunction": ([pointer, _Value], _Value),
        "JS_GetException": ([pointer], _Value),
        "JS_FreeValue": ([pointer, _Value], None),
        "js_free": ([pointer, pointer], None),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    return library
