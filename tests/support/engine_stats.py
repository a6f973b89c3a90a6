"""Numbers of a sandbox that nobody started."""

from dataclasses import fields
from typing import Any

from scriptorium_runner.engine import EngineStats


def make_engine_stats(**numbers: Any) -> EngineStats:
    """Give numbers that are 0 where the test does not say otherwise."""
    zeros: dict[str, Any] = {field.name: 0 for field in fields(EngineStats)}
    zeros |= {"lane_busy": {}, "lane_waiting": {}}
    return EngineStats(**(zeros | numbers))
