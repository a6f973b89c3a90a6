"""Programs that are started, and how ours end."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable

from engine_build.errors import EngineBuildError


def run(command: list[str], extra: dict[str, str] | None = None) -> str:
    """Give what a program printed; raises with its last words if it failed. `extra` joins its environment."""
    done = subprocess.run(
        command, env={**os.environ, **(extra or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        output = f"{done.stdout}{done.stderr}"[-4000:]
        raise EngineBuildError(f"{shlex.join(command)} ended with {done.returncode}:\n{output}")
    return done.stdout


def end(work: Callable[[], object]) -> int:
    """Do the work; gives the exit code, and tells what went wrong."""
    try:
        work()
    except EngineBuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
