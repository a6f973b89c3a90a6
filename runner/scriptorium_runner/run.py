"""`scriptorium-runner run`: an attempt of one run, or a schedule's slot, in a pod that ends with it.

It asks for what it wants to know first, and imports the rest meanwhile.
"""

import asyncio
import importlib
import os
from collections.abc import Mapping
from typing import Final

from scriptorium_client import Client, load_config
from scriptorium_client.config import Config, ConfigError
from scriptorium_client.lean import LeanTransport
from scriptorium_client.resources import CRON_SCRIPTS, JOBS, Resource
from scriptorium_runner import imports
from scriptorium_runner.engine.workers.zygote_start import Begun

#: Each with what it imports that those before it do not: parts of some ten milliseconds, between which the
#: answers of the API server are seen to.
_PARTS: Final = (
    "pydantic_core.core_schema",
    "annotated_types",
    "pydantic.types",
    "pydantic.json_schema",
    "pydantic",
    "scriptorium_api.script",
    "scriptorium_api.execution",
    "scriptorium_runner.settings",
    "scriptorium_runner.executions.handling",
    "scriptorium_runner.executions.sandbox",
    "scriptorium_runner.own_pod.work",
)
_PARTS_OF_SLOTS: Final = (
    "scriptorium_api.cron_script",
    "scriptorium_runner.schedules.firing",
    "scriptorium_runner.own_pod.one_slot",
    "scriptorium_runner.sources.slot_job",
    "scriptorium_runner.sources.calendar",
)

#: Of the loop: from an answer that came to the next question that is sent.
_TURNS: Final = 8


async def run_one(begun: Begun | None = None) -> int:
    """Do what the pod is there for; gives 0 if it succeeded or was not there to be done, else 1.

    `begun` is the sandbox's zygote, if it was begun before. Raises SettingError and EngineStartFailed.
    """
    config = _load_config()
    async with Client(config, transport=LeanTransport(config, "scriptorium-runner")) as client:
        for resource, name, namespace in find_wanted(os.environ):
            client.ask_ahead(resource, name, namespace)
        await import_parts(is_slot="SCRIPTORIUM_CRON_SCRIPT" in os.environ)
        # Imported by now.
        from scriptorium_runner import settings  # noqa: PLC0415
        from scriptorium_runner.own_pod import work  # noqa: PLC0415

        building = asyncio.create_task(build_models())
        try:
            return await work.do_work(settings.read_run_settings(), client, begun)
        finally:
            building.cancel()


def _load_config() -> Config:
    """Load it; where that fails, what is wrong with the settings is told first."""
    try:
        return load_config()
    except ConfigError:
        from scriptorium_runner import settings  # noqa: PLC0415 - too much to import before it is needed.

        settings.read_run_settings()
        raise


def find_wanted(environment: Mapping[str, str]) -> list[tuple[Resource, str, str]]:
    """Give what a slot reads first, each by its name and namespace.

    What is not named the settings complain of. An attempt reads its run, which may change at any moment, when
    it can take it.
    """
    namespace = environment.get("POD_NAMESPACE", "")
    names = (
        (JOBS, environment.get("SCRIPTORIUM_JOB", "")),
        (CRON_SCRIPTS, environment.get("SCRIPTORIUM_CRON_SCRIPT", "")),
    )
    return [(resource, name, namespace) for resource, name in names if name and namespace]


async def import_parts(*, is_slot: bool) -> None:
    """Import all that a run needs, or a slot and its run."""
    with imports.lasting():
        for part in (*_PARTS, *(_PARTS_OF_SLOTS if is_slot else ())):
            importlib.import_module(part)
            await _let_others()


async def build_models() -> None:
    """Have pydantic build what every run reads, while an answer is on its way: else who reads it waits."""
    from scriptorium_api.execution import ScriptExecution  # noqa: PLC0415 - imported by now.
    from scriptorium_api.script import Script  # noqa: PLC0415

    for model in (ScriptExecution, Script):
        model.model_rebuild()
        await _let_others()


async def _let_others() -> None:
    """Give whatever waits its turn; one step of a connection takes several."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
