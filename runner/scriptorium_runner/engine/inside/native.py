"""quickjs-ng's extension module, without the wheel's Python package, which would bring thread pools into
every worker."""

from typing import Any

# The extension has no stubs.
import _quickjs  # type: ignore[import-not-found]

Context: Any = _quickjs.Context
JSException: type[Exception] = _quickjs.JSException
LIBRARY: str = _quickjs.__file__
