"""The commands that the operator's pods run: each imports only what it needs."""

import gc
import sys
from collections.abc import Callable, Coroutine

from scriptorium_runner.errors import SettingError


def take_one() -> int:
    """Take one execution, or a schedule's slot, and end with it; gives the exit code."""
    # All that is imported stays, and the collector would look through it again and again.
    gc.disable()
    from scriptorium_runner.own_pod import bundle  # noqa: PLC0415

    bundle.use()
    from scriptorium_runner.engine.workers import zygote_start  # noqa: PLC0415 - see below.

    # The sandbox takes about as long to start as all the rest to be imported.
    begun = zygote_start.begin_early()
    from scriptorium_runner import run  # noqa: PLC0415

    return _run(lambda: run.run_one(begun))


def run_pool() -> int:
    """Take the executions of a namespace, until told to stop; gives the exit code."""
    from scriptorium_runner import imports  # noqa: PLC0415

    with imports.lasting():
        from scriptorium_runner import pool, pool_settings  # noqa: PLC0415

    return _run(lambda: pool.run_pool(pool_settings.read_pool_settings()))


def _run(run: Callable[[], Coroutine[None, None, int]]) -> int:
    """Run what the pod's environment asks for.

    A setting that makes no sense and a sandbox that does not come about are told in the log and in the pod's
    status, and end it with 2.
    """
    import asyncio  # noqa: PLC0415
    import logging  # noqa: PLC0415

    from scriptorium_api import logs  # noqa: PLC0415
    from scriptorium_runner import engine, last_words  # noqa: PLC0415

    logs.set_up_logs()
    try:
        return asyncio.run(run())
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the answer to whoever started it.
        problem = str(error)
    except engine.EngineStartFailed as error:
        what = "sealed" if isinstance(error, engine.SealMissing) else "started"
        logging.getLogger(__name__).error(f"sandbox not {what}", extra={"error": str(error)})
        problem = str(error)
    last_words.leave(problem, last_words.find_place())
    return 2
