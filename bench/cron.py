"""`make bench-cron`: how long a slot takes to its first line of JavaScript, and what many schedules cost.

Three measurements, each of them whole by itself:

- cold: from the creation of a slot's Job to the first line of its script, against the first line of
  `python -c` in a Job of the same image, bare and with our pod's security context; one at a time;
- burst: many CronScripts of executor Pool that fire in the same minute: from the slot to the first line of
  each, and whether one is lost;
- crowd: the memory of the operator with many CronScripts, and what it writes after a restart.
"""

import argparse
import asyncio
import itertools
import json
import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.executions import Place, open_place
from bench.figures import Figures, render_ratio, render_row, summarize
from bench.own_pod import build_floor, wait_for
from scriptorium_api import names
from scriptorium_client import Client, load_config
from scriptorium_client.resources import (
    CRON_JOBS,
    CRON_SCRIPTS,
    DEPLOYMENTS,
    EXECUTIONS,
    JOBS,
    PODS,
    SCRIPTS,
)

API = "scriptorium.dev/v1alpha1"
SYSTEM, OPERATOR = "scriptorium-system", "scriptorium-operator"
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
FIRST_LINE = "import time; print(time.time())"
AT_ONCE = 32
KINDS, WRITES = ("cronscripts", "cronjobs"), ("POST", "PUT", "PATCH", "APPLY", "DELETE")
QUIET_SECONDS = 30


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


async def measure_burst(place: Place, count: int) -> None:
    """Have many schedules fire in one minute, and print how long each took from its slot."""
    slot = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2)
    schedule = f"{slot.minute} {slot.hour} {slot.day} {slot.month} *"
    made = [
        build_cron_script(f"burst-{number}", place.namespace, schedule=schedule, executor="Pool")
        for number in range(count)
    ]
    await make_all(place.client, made)
    print(
        f"burst: {count} schedules made, {(slot - datetime.now(UTC)).total_seconds():.0f} s before the slot"
    )
    names_of_runs = {names.slot_run_name(each["metadata"]["name"], slot) for each in made}
    ended: dict[str, dict[str, Any]] = {}
    until = slot + timedelta(seconds=300)
    while len(ended) < count and datetime.now(UTC) < until:
        await asyncio.sleep(2)
        for item in await place.client.list_all(EXECUTIONS, place.namespace):
            if item["metadata"]["name"] in names_of_runs and "output" in item.get("status", {}):
                ended[item["metadata"]["name"]] = item
    lost = names_of_runs - ended.keys()
    first_lines = [
        float(ended[name]["status"]["output"]["value"]) / 1000 - slot.timestamp() for name in ended
    ]
    figures: Figures = summarize(first_lines, max(first_lines))
    print(render_header())
    print(render_row("slot to first line, Pool", figures))
    print(f"  lost: {len(lost)}; all had begun after {max(first_lines):.2f} s")


async def make_all(client: Client, manifests: list[dict[str, Any]]) -> None:
    """Make CronScripts, a bounded number at a time."""
    left = iter(manifests)

    async def make() -> None:
        for manifest in left:
            await client.create(manifest, CRON_SCRIPTS)

    await asyncio.gather(*(make() for _ in range(AT_ONCE)))


async def measure_crowd(place: Place, count: int) -> None:
    """Print the operator's memory with many schedules, and its writes after a restart."""
    begun = time.perf_counter()
    await make_all(
        place.client,
        [
            build_cron_script(f"crowd-{number}", place.namespace, schedule=f"0 0 1 {1 + number % 12} *")
            for number in range(count)
        ],
    )
    print(f"crowd: {count} schedules made in {time.perf_counter() - begun:.0f} s")
    await wait_until_ready(place, count)
    print(f"  all Ready, each with its CronJob, after {time.perf_counter() - begun:.0f} s")
    print(f"  operator, at most: {await asyncio.to_thread(read_memory)} MiB")
    await asyncio.to_thread(restart_operator)
    await asyncio.sleep(QUIET_SECONDS)
    before = await asyncio.to_thread(count_writes)
    await asyncio.sleep(QUIET_SECONDS)
    more = await asyncio.to_thread(count_writes) - before
    print(f"  operator that started among them, at most: {await asyncio.to_thread(read_memory)} MiB")
    print(f"  writes in a quiet {QUIET_SECONDS} s after it: {dict(more) or 0}")


async def wait_until_ready(place: Place, count: int) -> None:
    """Wait until every schedule of the crowd is Ready."""
    async with asyncio.timeout(1800):
        while True:
            found = await place.client.list_all(CRON_SCRIPTS, place.namespace)
            ready = sum(is_ready(item) for item in found if item["metadata"]["name"].startswith("crowd-"))
            if ready == count:
                return
            await asyncio.sleep(5)


def is_ready(item: dict[str, Any]) -> bool:
    """Say whether a CronScript is Ready."""
    conditions = item.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def kubectl(*arguments: str) -> str:
    """Give what kubectl says."""
    return subprocess.run(["kubectl", *arguments], check=True, capture_output=True, text=True).stdout


def read_memory() -> int:
    """Give the most memory, in MiB, that a replica of the operator had, as its own kernel counts it."""
    label = "app.kubernetes.io/component=operator"
    pods = json.loads(kubectl("get", "pods", "--namespace", SYSTEM, "-l", label, "-o", "json"))["items"]
    most = 0
    for pod in pods:
        place = ("--namespace", SYSTEM, pod["metadata"]["name"])
        status = kubectl("exec", *place, "--", "cat", "/proc/1/status")
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        most = max(most, int(peak[1]) // 1024 if peak else 0)
    return most


def restart_operator() -> None:
    """Start all replicas anew."""
    place = (f"deployment/{OPERATOR}", "--namespace", SYSTEM)
    kubectl("rollout", "restart", *place)
    kubectl("rollout", "status", *place, "--timeout=180s")


def count_writes() -> Counter[str]:
    """Count what the API server was asked to write of CronScripts and CronJobs."""
    found: Counter[str] = Counter()
    for line in kubectl("get", "--raw", "/metrics").splitlines():
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        is_request = line.startswith("apiserver_request_total{") and labels["resource"] in KINDS
        if is_request and labels["verb"] in WRITES:
            found[f"{labels['verb']} {labels['resource']}"] += int(float(line.rpartition(" ")[2]))
    return found


def render_header() -> str:
    """Give the head of a table."""
    return f"{'':<26} {'p50':>11} {'p99':>11} {'rate':>10} {'runs':>6}"


async def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    async with Client(load_config()) as client, open_place(client, replicas=options.replicas) as place:
        await make_script(place)
        if options.cold:
            await measure_cold(place, options.cold)
        if options.burst:
            await measure_burst(place, options.burst)
        if options.crowd:
            await measure_crowd(place, options.crowd)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cold", type=int, default=10, help="slots with a pod (default 10)")
    parser.add_argument("--burst", type=int, default=500, help="schedules in one minute (default 500)")
    parser.add_argument("--crowd", type=int, default=5000, help="schedules in one cluster (default 5000)")
    parser.add_argument("--replicas", type=int, default=2, help="runners of the pool (default 2)")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(read_options()))
