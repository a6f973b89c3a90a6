"""A rehearsal of the bare cluster's whole life, with an accident in the middle."""

import os
import signal
import time
from collections.abc import Callable

from tests.cluster import api, bare, leftovers, manifests, processes, progress
from tests.cluster.errors import ClusterError

#: What the second start may take when nothing has to be built.
READY_SECONDS = 15.0


def run() -> None:
    """Take the cluster through its life and fail on anything left or late."""
    bare.down()
    first = measure("up", bare.up)
    again = measure("up again", bare.up)
    measure("a pod", run_pod)
    measure("an accident", kill_half)
    second = measure("up after an accident", bare.up)
    measure("a pod", run_pod)
    measure("down", bare.down)
    measure("down again", bare.down)
    if left := leftovers.find(bare.LAYOUT):
        raise ClusterError("left behind: " + ", ".join(left))
    slow = [seconds for seconds in (first, again, second) if seconds > READY_SECONDS]
    if slow:
        raise ClusterError(f"not Ready within {READY_SECONDS:.0f} s: {slow}")
    progress.say("The selftest passed.")


def measure(title: str, do: Callable[[], None]) -> float:
    """Do something and say how long it took."""
    started = time.monotonic()
    do()
    seconds = time.monotonic() - started
    progress.say(f"== {title}: {seconds:.1f} s")
    return seconds


def run_pod() -> None:
    """Run a pod, whose processes and mounts have to go with the cluster."""
    name = "selftest"
    api.apply(bare.LAYOUT, manifests.render_pod(name))
    progress.wait_until("the pod runs", lambda: api.is_pod_running(bare.LAYOUT, name), seconds=60)


def kill_half() -> None:
    """Kill etcd and kubelet as a machine out of memory would."""
    records = processes.read_records(bare.LAYOUT)
    for name in ("etcd", "kubelet"):
        os.kill(records[name].pid, signal.SIGKILL)
