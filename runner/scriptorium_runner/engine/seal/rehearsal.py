"""The seal, tried on a process that runs no script, so that what is reported as active was seen to be."""

import os
from typing import NoReturn

from scriptorium_runner.engine.seal import sealing, system_calls
from scriptorium_runner.engine.seal.layers import Layer
from scriptorium_runner.engine.seal.sealing import Plan, SealBroken

_MOST_BYTES = 4096
_SOUND = b"sound"


def rehearse(plan: Plan) -> Plan:
    """Give the plan without the layers that fail on this machine, each with its flaw."""
    while (broken := _try(plan)) is not None:
        plan = plan.without(broken)
    return plan


def _try(plan: Plan) -> SealBroken | None:
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _act(plan, write_end)
    os.close(write_end)
    with open(read_end, "rb") as answers:
        answer = answers.read(_MOST_BYTES)
    os.waitpid(pid, 0)
    return _read(answer, plan)


def _act(plan: Plan, write_end: int) -> NoReturn:
    try:
        # The one descriptor that the filter lets a process write to at any time.
        os.dup2(write_end, system_calls.LOG_WRITE)
        os.write(system_calls.LOG_WRITE, _seal(plan))
    finally:
        os._exit(0)


def _seal(plan: Plan) -> bytes:
    try:
        plan.apply()
        if plan.steps[-1].layer is Layer.SECCOMP:
            sealing.probe_filter()
    except SealBroken as broken:
        return f"{broken.layer}:{broken.flaw}".encode()
    return _SOUND


def _read(answer: bytes, plan: Plan) -> SealBroken | None:
    if answer == _SOUND:
        return None
    layer, _, flaw = answer.decode().partition(":")
    if not layer:
        return SealBroken(plan.steps[-1].layer, "it ended the process that it was tried on")
    return SealBroken(Layer(layer), flaw)
