"""The sandbox: JavaScript in, results out. It knows neither Kubernetes nor HTTP.

The names are imported on first use, because the zygote and its workers import this package too and must not
carry asyncio and the supervisor's modules in their memory.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scriptorium_runner.engine.container_memory import ContainerMemory, find_container_memory
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
    from scriptorium_runner.engine.host_calls import HostCalls, HostError
    from scriptorium_runner.engine.layers import Layer, Seal
    from scriptorium_runner.engine.values import (
        EngineSettings,
        EngineStats,
        EngineVersion,
        Limits,
        LogEntry,
        Program,
        Result,
        ScriptError,
        Usage,
    )

__all__ = [
    "AcquireTimeout",
    "ContainerMemory",
    "Engine",
    "EngineError",
    "EngineSettings",
    "EngineStartFailed",
    "EngineStats",
    "EngineVersion",
    "HostCalls",
    "HostError",
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
    "find_container_memory",
]

_HOMES = {
    "Engine": "executor",
    "HostCalls": "host_calls",
    "HostError": "host_calls",
    "Layer": "layers",
    "Seal": "layers",
    "ContainerMemory": "container_memory",
    "find_container_memory": "container_memory",
} | dict.fromkeys(
    (
        "AcquireTimeout",
        "EngineError",
        "EngineStartFailed",
        "InvalidContext",
        "NeverStarted",
        "PoolClosed",
        "SealMissing",
    ),
    "errors",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'values')}"), name)
