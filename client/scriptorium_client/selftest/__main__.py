"""`python -m scriptorium_client.selftest`: what `helm test` runs; if it fails, exit code 1 and a sentence."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Mapping

from scriptorium_client.client import Client
from scriptorium_client.config import ConfigError, load_config
from scriptorium_client.selftest.trial import Place, Trial, TrialFailed


def read_place(environment: Mapping[str, str]) -> Place:
    """Give where the test takes place."""
    release = environment.get("POD_NAMESPACE") or "scriptorium-system"
    return Place(
        release_namespace=release,
        namespace=environment.get("SCRIPTORIUM_TEST_NAMESPACE") or release,
        seconds=float(environment.get("SCRIPTORIUM_TEST_SECONDS") or 120),
    )


async def try_out(place: Place) -> str:
    """Test the installation; a signal ends it, and its objects are removed all the same."""
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with Client(load_config(), user_agent="scriptorium-test") as client:
        return await Trial(client, place, time.monotonic).run(random.randrange(1_000_000))  # noqa: S311 - no secret.


def main() -> None:
    """Test the installation, and say how it went."""
    try:
        sys.stdout.write(f"scriptorium works: {asyncio.run(try_out(read_place(os.environ)))}\n")
    except (TrialFailed, ConfigError) as error:
        sys.exit(f"scriptorium does not work: {error}")
    except asyncio.CancelledError:
        sys.exit("scriptorium's test was ended before it was done")


if __name__ == "__main__":
    main()
