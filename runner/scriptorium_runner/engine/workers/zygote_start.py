"""The begin of a zygote: it takes its time, so a pod begins it before it imports anything else."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping

from scriptorium_api.values import frozen
from scriptorium_runner.engine.seal import layers
from scriptorium_runner.engine.seal.layers import Seal

#: An interpreter that takes nothing from the environment or the user's folder, and what it runs.
COMMAND = [sys.executable, "-I", "-m", "scriptorium_runner.engine.inside.zygote"]


@frozen
class Begun:
    """A zygote that has not said yet that it can fork. When our end of its socket closes, it ends."""

    process: subprocess.Popen[bytes]
    control: socket.socket


def begin(seal: Seal) -> Begun:
    """Begin a zygote, without waiting for it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    try:
        with theirs:
            return Begun(_spawn(theirs, seal), ours)
    except BaseException:
        ours.close()
        raise


def begin_early(environment: Mapping[str, str] = os.environ) -> Begun | None:
    """Begin the zygote that the settings will ask for; None if theirs makes no sense, which they tell."""
    seal = layers.find_seal(environment.get(layers.REQUIRE_LANDLOCK))
    return begin(seal) if seal else None


def _spawn(control: socket.socket, seal: Seal) -> subprocess.Popen[bytes]:
    """Start the interpreter with its control socket and nothing else: no environment, no user site, and no
    terminal whose Ctrl-C would reach it."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*COMMAND, str(control.fileno()), seal],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={},
        pass_fds=[control.fileno()],
        cwd="/",
        start_new_session=True,
    )
