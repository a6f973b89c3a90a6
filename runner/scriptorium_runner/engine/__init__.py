"""The sandbox: JavaScript in, results out. It knows neither Kubernetes nor HTTP.

The names are imported on first use, because the zygote and its workers import this package too and must not
carry asyncio and the supervisor's modules in their memory.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scriptorium_runner.engine.errors import (
        AcquireTimeout,
        EngineError,
        EngineStartFailed,
        InvalidContext,
        NeverStarted,
        PoolClosed,
        SealMissing,
    )
    from scriptorium_runner.engine.executor import Engine
    from scriptorium_runner.engine.layers import Layer, Seal
    from scriptorium_runner.engine.values import (
        EngineSettings,
        EngineStats,
        Limits,
        LogEntry,
        Program,
        Result,
        ScriptError,
        Usage,
    )

__all__ = [
    "AcquireTimeout",
    "Engine",
    "EngineError",
    "EngineSettings",
    "EngineStartFailed",
    "EngineStats",
    "InvalidContext",
    "Layer",
    "Limits",
    "LogEntry",
    "NeverStarted",
    "PoolClosed",
    "Program",
    "Result",
    "ScriptError",
    "Seal",
    "SealMissing",
    "Usage",
]

_MODULES = {
    "errors": (
        "AcquireTimeout",
        "EngineError",
        "EngineStartFailed",
        "InvalidContext",
        "NeverStarted",
        "PoolClosed",
        "SealMissing",
    ),
    "executor": ("Engine",),
    "layers": ("Layer", "Seal"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'values')}"), name)
