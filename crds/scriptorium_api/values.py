"""Values: classes whose instances are made once and never changed.

To whoever reads them, and to type checkers, they are frozen dataclasses with slots. What differs is what that
costs. A frozen dataclass sets each attribute by a call, so that one of 14 fields takes five times as long to
make; every request makes some twenty. And a dataclass has its methods compiled when its module is imported,
which every run in a pod of its own waits for: here only `__init__` is, and all classes share the others.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def frozen(cls: type[T], /) -> type[T]: ...


@overload
def frozen(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T] | None = None, /, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a dataclass with slots, compared, hashed and shown by its fields.

    That its instances are never changed is for type checkers to see to: at run time nothing does.
    """

    def make(plain: type[T]) -> type[T]:
        made = dataclass(plain, slots=True, eq=False, repr=False, kw_only=kw_only)
        for name, method in _SHARED.items():
            if name not in plain.__dict__:
                setattr(made, name, method)
        return made

    return make if cls is None else make(cls)


@lru_cache(None)
def _find_compared(cls: Any) -> Callable[[Any], Any]:
    """Give what reads the fields that tell two values of a class apart."""
    names = [each.name for each in fields(cls) if each.compare]
    return attrgetter(*names) if names else lambda _: ()


def _compare(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    read = _find_compared(self.__class__)
    return read(self) == read(other)


def _hash(self: Any) -> int:
    return hash(_find_compared(self.__class__)(self))


@recursive_repr()
def _show(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


_SHARED: dict[str, Callable[..., Any]] = {"__eq__": _compare, "__hash__": _hash, "__repr__": _show}
