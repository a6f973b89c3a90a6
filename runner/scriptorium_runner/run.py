"""`scriptorium-runner run`: an attempt of one run, or a schedule's slot, in a pod that ends with it.

It asks for what it wants to know first, and imports the rest meanwhile.
"""

import os
from collections.abc import Mapping

from scriptorium_api import names
from scriptorium_client import Client, load_config
from scriptorium_client.config import Config, ConfigError
from scriptorium_client.lean import LeanTransport
from scriptorium_client.resources import CRON_SCRIPTS, EXECUTIONS, JOBS
from scriptorium_runner.engine.workers.zygote_start import Begun
from scriptorium_runner.own_pod import parts


async def run_one(begun: Begun | None = None) -> int:
    """Do what the pod is there for; gives 0 if it succeeded or was not there to be done, else 1.

    `begun` is the sandbox's zygote, if it was begun before. Raises SettingError and EngineStartFailed.
    """
    config = _load_config()
    async with Client(config, transport=LeanTransport(config, "scriptorium-runner")) as client:
        ask_first(client, os.environ)
        parts.leave_out_plugins()
        await parts.import_parts(*parts.TO_READ)
        if "SCRIPTORIUM_CRON_SCRIPT" in os.environ:
            await parts.import_parts(*parts.TO_JUDGE)
        # Imported by now.
        from scriptorium_runner import settings  # noqa: PLC0415
        from scriptorium_runner.own_pod import work  # noqa: PLC0415

        return await work.do_work(settings.read_run_settings(), client, begun)


def _load_config() -> Config:
    """Load it; where that fails, what is wrong with the settings is told first."""
    try:
        return load_config()
    except ConfigError:
        from scriptorium_runner import settings  # noqa: PLC0415 - too much to import before it is needed.

        settings.read_run_settings()
        raise


def ask_first(client: Client, environment: Mapping[str, str]) -> None:
    """Begin to read what a slot is judged by: its Job, the CronScript, and what ran before.

    What is not named the settings complain of. An attempt reads its run, which may change at any moment, when
    it can take it.
    """
    namespace = environment.get("POD_NAMESPACE", "")
    job, cron_script = (environment.get(f"SCRIPTORIUM_{each}", "") for each in ("JOB", "CRON_SCRIPT"))
    if namespace and job:
        client.ask_ahead(JOBS, job, namespace)
    if namespace and cron_script:
        client.ask_ahead(CRON_SCRIPTS, cron_script, namespace)
        client.list_ahead(EXECUTIONS, namespace, fields=names.fired_by(cron_script))
