"""A network of the benchmark's own, so that scripts may reach a server beside them.

Scripts reach neither loopback nor what is not named; in a network namespace of its own the machine can have a
private address that means nothing to anybody else, and the setting for private ranges opens exactly that.
"""

import os
import shutil
import subprocess
import sys
from typing import NoReturn

from bench.endpoints.servers import LeftOut

#: Of a private range; there is nothing else in that namespace.
ADDRESS = "10.83.0.1"
_PREPARE = f'ip link set lo up && ip address add {ADDRESS}/32 dev lo && exec "$@"'


def find_way() -> tuple[str, ...]:
    """Give the command that runs another inside; raises LeftOut where that cannot be."""
    missing = [tool for tool in ("unshare", "ip") if shutil.which(tool) is None]
    if missing:
        raise LeftOut(f"there is no {' and no '.join(missing)} here")
    rights = () if os.geteuid() == 0 else ("--map-root-user",)
    way = ("unshare", "--net", *rights, "sh", "-c", _PREPARE, "sh")
    tried = subprocess.run([*way, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise LeftOut(f"no network namespace can be made here: {tried.stderr.strip()}")
    return way


def enter(way: tuple[str, ...], arguments: list[str]) -> NoReturn:
    """Begin this program anew inside."""
    program = [sys.executable, "-m", "bench.endpoints"]
    os.execvp(way[0], [*way, *program, *arguments])  # noqa: S606 - it is this same program.
