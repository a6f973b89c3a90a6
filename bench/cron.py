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
import json
import re
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.executions import Place, open_place
from bench.figures import Figures, render_row, summarize
from bench.first_line import OPERATOR, SYSTEM, build_cron_script, make_script, measure_cold, render_header
from scriptorium_api import names
from scriptorium_client import Client, load_config
from scriptorium_client.resources import (
    CRON_SCRIPTS,
    EXECUTIONS,
)

AT_ONCE = 32
KINDS, WRITES = ("cronscripts", "cronjobs"), ("POST", "PUT", "PATCH", "APPLY", "DELETE")
QUIET_SECONDS = 30


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
