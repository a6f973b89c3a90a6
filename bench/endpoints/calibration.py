"""How many steps of the script that computes take 10 ms in the bare engine of this machine."""

import time

from bench.endpoints import cases
from scriptorium_runner.engine.inside import native

AIM_SECONDS = 0.010
_FIRST_STEPS, _TRIES = 1000, 5


def find_steps() -> int:
    """Give the number of steps, to three digits."""
    steps = _FIRST_STEPS
    while (seconds := time_work(steps)) < AIM_SECONDS:
        steps *= 2
    return int(float(f"{steps * AIM_SECONDS / seconds:.3g}"))


def time_work(steps: int) -> float:
    """Give the best of a few times on a core: what else the machine does counts as little as it can."""
    source = cases.build_work(steps).source
    return min(_time_once(source) for _ in range(_TRIES))


def _time_once(source: str) -> float:
    context = native.Context()
    begun = time.thread_time()
    context.eval(f"(() => {{ {source} }})()")
    return time.thread_time() - begun
