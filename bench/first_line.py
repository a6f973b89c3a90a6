"""How long a slot takes to its first line of JavaScript, against the first line of `python -c` in a Job."""

import asyncio
import itertools
import random
import subprocess
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.executions import Place
from bench.figures import render_ratio, render_row, summarize
from bench.own_pod import build_floor, wait_for
from scriptorium_api import names
from scriptorium_client import Client
from scriptorium_client.resources import CRON_JOBS, CRON_SCRIPTS, DEPLOYMENTS, EXECUTIONS, JOBS, PODS, SCRIPTS

API = "scriptorium.dev/v1alpha1"
SYSTEM, OPERATOR = "scriptorium-system", "scriptorium-operator"
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
FIRST_LINE = "import time; print(time.time())"


def build_cron_script(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    """Give a CronScript that runs `first`, which says when it did."""
    return {
        "apiVersion": API,
        "kind": "CronScript",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"scriptRef": {"name": "first"}} | spec,
    }


async def make_script(place: Place) -> None:
    """Make the Script that tells when its first line ran."""
    script = {
        "apiVersion": API,
        "kind": "Script",
        "metadata": {"name": "first", "namespace": place.namespace},
        "spec": {"source": "return Date.now()"},
    }
    await place.client.create(script, SCRIPTS)


async def find_image(client: Client) -> str:
    """Give the image of operator and runners."""
    operator = await client.get(DEPLOYMENTS, OPERATOR, SYSTEM)
    return str(operator["spec"]["template"]["spec"]["containers"][0]["image"])


async def run_floor(place: Place, image: str, *, is_restricted: bool = False) -> float:
    """Make a Job whose one line tells when it ran; `is_restricted`: with the security context of ours."""
    job = build_floor(place, image, FIRST_LINE)
    if is_restricted:
        restrict(job["spec"]["template"]["spec"])
    name = job["metadata"]["name"]
    begun = time.time()
    await place.client.create(job, JOBS)
    await wait_for(place, JOBS, name)
    (made,) = await place.client.list_all(
        PODS, place.namespace, labels=f"batch.kubernetes.io/job-name={name}"
    )
    log = await asyncio.to_thread(read_log, place.namespace, made["metadata"]["name"])
    return float(log) - begun


def restrict(pod: dict[str, Any]) -> None:
    """Give a pod what the restricted Pod Security Standard asks for: its filter takes time to be loaded."""
    pod["securityContext"] = {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in pod["containers"]:
        container["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }


def read_log(namespace: str, pod: str) -> str:
    """Give what a pod printed."""
    command = ["kubectl", "logs", "--namespace", namespace, pod]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def make_cold(place: Place, name: str, slot: datetime) -> dict[str, Any]:
    """Make a schedule of one slot a year, which nobody has judged yet; give its CronJob.

    The CronJob is newer than the slot, so its controller leaves that to us.
    """
    schedule = f"{slot.minute} {slot.hour} {slot.day} {slot.month} *"
    await place.client.create(build_cron_script(name, place.namespace, schedule=schedule), CRON_SCRIPTS)
    cron_job = None
    async with asyncio.timeout(120):
        while cron_job is None:
            await asyncio.sleep(0.2)
            cron_job = await place.client.find(CRON_JOBS, names.cron_job_name(name), place.namespace)
    since = {"status": {"accountedUntil": f"{slot - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"}}
    await place.client.merge(CRON_SCRIPTS, name, place.namespace, since, "status")
    return cron_job


async def build_slot_job(place: Place, name: str, slot: datetime) -> dict[str, Any]:
    """Give the Job of a slot, as the CronJob controller makes it."""
    cron_job = await make_cold(place, name, slot)
    metadata = cron_job["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names.slot_job_name(name, slot),
            "namespace": place.namespace,
            "annotations": {SCHEDULED: f"{slot:%Y-%m-%dT%H:%M:%SZ}"},
            "ownerReferences": [owner | {"controller": True}],
        },
        "spec": cron_job["spec"]["jobTemplate"]["spec"],
    }


async def run_slot(place: Place, name: str) -> float:
    """Run the slot of this minute."""
    slot = datetime.now(UTC).replace(second=0, microsecond=0)
    job = await build_slot_job(place, name, slot)
    begun = time.time()
    await place.client.create(job, JOBS)
    ended = await wait_for(place, EXECUTIONS, names.slot_run_name(name, slot))
    await wait_for(place, JOBS, job["metadata"]["name"])
    assert ended["status"]["phase"] == "Succeeded", ended["status"]
    return float(ended["status"]["output"]["value"]) / 1000 - begun


async def measure_cold(place: Place, count: int) -> None:
    """Measure all in turns, each turn in an order of its own: what was before is worth some of it."""
    image = await find_image(place.client)
    slots = itertools.count()
    trials: dict[str, Callable[[], Awaitable[float]]] = {
        "Job, first line of python": lambda: run_floor(place, image),
        "the same, restricted": lambda: run_floor(place, image, is_restricted=True),
        "slot, first line of script": lambda: run_slot(place, f"cold-{next(slots)}"),
    }
    print("cold: warming up, one of each")
    for trial in trials.values():
        await trial()
    taken: dict[str, list[float]] = {label: [] for label in trials}
    begun = time.perf_counter()
    for _ in range(count):
        for label in random.sample([*trials], len(trials)):
            taken[label].append(await trials[label]())
    seconds = time.perf_counter() - begun
    print(render_header())
    figures = {label: summarize(each, seconds) for label, each in taken.items()}
    for label, each in figures.items():
        print(render_row(label, each))
    bare, restricted, ours = figures.values()
    print(render_ratio("ours / floor", ours, bare))
    print(render_ratio("ours / floor, restricted", ours, restricted))


def render_header() -> str:
    """Give the head of a table."""
    return f"{'':<26} {'p50':>11} {'p99':>11} {'rate':>10} {'runs':>6}"
