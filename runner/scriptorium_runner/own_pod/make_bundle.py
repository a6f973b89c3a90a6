"""`python -m scriptorium_runner.own_pod.make_bundle`: the file of modules, made when an image is built."""

import asyncio
import importlib
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Final

from scriptorium_runner.own_pod import bundle, parts

#: What `scriptorium-runner run` imports before its parts.
_BEGIN: Final = (
    "scriptorium_runner.in_pod",
    "scriptorium_runner.engine.workers.zygote_start",
    "scriptorium_runner.run",
    "scriptorium_api.logs",
    "scriptorium_runner.last_words",
)


def main() -> None:
    """Import what a slot's pod imports, and write all of it down."""
    import_all()
    modules = dict(filter(None, map(_find, [*sys.modules])))
    content = bundle.render(modules)
    Path(bundle.FILE).write_bytes(content)
    print(f"{bundle.FILE}: {len(modules)} modules, {len(content)} bytes")  # noqa: T201 - its answer.


def import_all() -> None:
    """Import what a slot's pod imports up to the first line of its script."""
    for each in _BEGIN:
        importlib.import_module(each)
    parts.leave_out_plugins()
    asyncio.run(parts.import_parts(*parts.TO_READ, *parts.TO_JUDGE, *parts.TO_RUN))


def _find(name: str) -> tuple[str, tuple[str, bool, CodeType]] | None:
    """Give a module's source and code; None of one that is compiled into Python, or run as a program."""
    spec = getattr(sys.modules[name], "__spec__", None)
    if spec is None or spec.name != name or not isinstance(spec.loader, SourceFileLoader):
        return None
    code = spec.loader.get_code(name)
    if code is None or spec.origin is None:
        return None
    return name, (spec.origin, spec.submodule_search_locations is not None, code)


if __name__ == "__main__":
    main()
