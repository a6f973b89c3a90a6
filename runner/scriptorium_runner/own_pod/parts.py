"""What a run's pod imports, and when: its script waits for each import that is before it.

They are parts of some ten milliseconds, each with what it imports that those before it do not. Between them
the answers of the API server are seen to.
"""

import asyncio
import importlib
import sys
import types
from typing import Final

from scriptorium_runner import imports

#: To read what the API server answers.
TO_READ: Final = (
    "pydantic_core.core_schema",
    "annotated_types",
    "pydantic.types",
    "pydantic.json_schema",
    "pydantic",
    "scriptorium_api.script",
    "scriptorium_api.execution",
    "scriptorium_runner.settings",
    "scriptorium_runner.own_pod.work",
)

#: To judge a slot.
TO_JUDGE: Final = (
    "scriptorium_api.cron_script",
    "scriptorium_runner.schedules.firing",
    "scriptorium_runner.sources.calendar",
    "scriptorium_runner.own_pod.one_slot",
    "scriptorium_runner.sources.slot_job",
)

#: To claim a run and to run it; a slot is being judged by then.
TO_RUN: Final = (
    "scriptorium_runner.executions.handling",
    "scriptorium_runner.engine.workers.channel",
    "scriptorium_runner.engine.flaw",
    "scriptorium_runner.engine.executor",
    "scriptorium_runner.engine.roads",
    "scriptorium_runner.executions.sandbox",
    "scriptorium_runner.own_pod.running",
)

#: The part of pydantic that looks for plugins in all that is installed.
_PLUGINS: Final = "pydantic.plugin._loader"

#: Of the loop: from an answer that came to the next question that is sent.
_TURNS: Final = 8


def leave_out_plugins() -> None:
    """Have pydantic find no plugin; there is none in a pod, and what it would look for them with is large."""
    module = types.ModuleType(_PLUGINS)
    vars(module)["get_plugins"] = tuple
    sys.modules[_PLUGINS] = module


async def import_parts(*parts: str) -> None:
    """Import one after another."""
    with imports.lasting():
        for part in parts:
            importlib.import_module(part)
            await _let_others()


async def build_models() -> None:
    """Have pydantic build what every run reads, while an answer is on its way: else who reads it waits."""
    from scriptorium_api.execution import ScriptExecution  # noqa: PLC0415 - it comes with a part.
    from scriptorium_api.script import Script  # noqa: PLC0415

    for model in (ScriptExecution, Script):
        model.model_rebuild()
        await _let_others()


async def _let_others() -> None:
    """Give whatever waits its turn; one step of a connection takes several."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
