"""The sandbox: JavaScript in, results out. It knows neither Kubernetes nor HTTP.

The names are imported on first use, because the zygote and its workers import this package too and must not
carry asyncio and the supervisor's modules in their memory.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scriptorium_runner.engine.console import keep_newest
    from scriptorium_runner.engine.errors import (
        AcquireTimeout,
        EngineError,
        EngineStartFailed,
        InvalidContext,
        NeverStarted,
        NoRoom,
        PoolClosed,
        SealMissing,
    )
    from scriptorium_runner.engine.executor import Engine
    from scriptorium_runner.engine.held import Held, Share, weigh
    from scriptorium_runner.engine.host_calls import HostCalls, HostError, NoHost
    from scriptorium_runner.engine.http import HttpRequest, HttpResponse
    from scriptorium_runner.engine.pool.container_memory import ContainerMemory, find_container_memory
    from scriptorium_runner.engine.roads import may_call
    from scriptorium_runner.engine.seal.layers import Layer, Seal
    from scriptorium_runner.engine.values import (
        EngineSettings,
        EngineStats,
        EngineVersion,
        Lane,
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
    "Held",
    "HostCalls",
    "HostError",
    "HttpRequest",
    "HttpResponse",
    "InvalidContext",
    "Lane",
    "Layer",
    "Limits",
    "LogEntry",
    "NeverStarted",
    "NoHost",
    "NoRoom",
    "PoolClosed",
    "Program",
    "Result",
    "ScriptError",
    "Seal",
    "SealMissing",
    "Share",
    "Usage",
    "find_container_memory",
    "keep_newest",
    "may_call",
    "weigh",
]

_HOMES = {
    "Engine": "executor",
    "Held": "held",
    "Share": "held",
    "weigh": "held",
    "HostCalls": "host_calls",
    "HostError": "host_calls",
    "NoHost": "host_calls",
    "HttpRequest": "http",
    "HttpResponse": "http",
    "Layer": "seal.layers",
    "Seal": "seal.layers",
    "ContainerMemory": "pool.container_memory",
    "find_container_memory": "pool.container_memory",
    "keep_newest": "console",
    "may_call": "roads",
} | dict.fromkeys(
    (
        "AcquireTimeout",
        "EngineError",
        "EngineStartFailed",
        "InvalidContext",
        "NeverStarted",
        "NoRoom",
        "PoolClosed",
        "SealMissing",
    ),
    "errors",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'values')}"), name)
    # From now on it is found without asking here.
    globals()[name] = found
    return found
