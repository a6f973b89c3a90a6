"""`make bench-own-pod`: a run with a pod of its own, against a bare Job that runs `python -c pass`.

Both pods are of the same image, in the same namespace, one at a time and in turns; a Job counts until its
status says Complete, a run until it is settled. One client watches both.
"""

import argparse
import asyncio
import secrets
import time
from typing import Any

from bench.executions import TERMINAL, Place, open_place
from bench.figures import Figures, render_ratio, render_row, summarize
from scriptorium_client import Client, Selection, Synced, follow, load_config
from scriptorium_client.resources import DEPLOYMENTS, EXECUTIONS, JOBS, Resource


async def wait_for(place: Place, resource: Resource, name: str) -> dict[str, Any]:
    """Give the object as soon as a watch shows that it is over."""
    selection = Selection(resource=resource, namespace=place.namespace, fields=f"metadata.name={name}")
    async with asyncio.timeout(120):
        async for event in follow(place.client, selection):
            if not isinstance(event, Synced) and is_over(event.object):
                return event.object
    raise AssertionError("a watch never ends by itself")


def is_over(item: dict[str, Any]) -> bool:
    """Say whether a run or a Job has ended."""
    status = item.get("status", {})
    conditions = {each["type"] for each in status.get("conditions", []) if each["status"] == "True"}
    return status.get("phase") in TERMINAL or bool(conditions & {"Complete", "Failed"})


def build_floor(place: Place, image: str, code: str) -> dict[str, Any]:
    """Give a Job whose pod runs one line of Python."""
    container = {"name": "python", "image": image, "command": ["python", "-c", code]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"floor-{secrets.token_hex(6)}", "namespace": place.namespace},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }


async def run_floor(place: Place, image: str) -> float:
    """Make a Job and wait until it is Complete."""
    job = build_floor(place, image, "pass")
    begun = time.perf_counter()
    await place.client.create(job, JOBS)
    ended = await wait_for(place, JOBS, job["metadata"]["name"])
    assert ended["status"].get("succeeded") == 1, ended["status"]
    return time.perf_counter() - begun


async def run_ours(place: Place) -> float:
    """Create a run with a pod of its own and wait until it is settled."""
    name = f"ours-{secrets.token_hex(6)}"
    run = {
        "apiVersion": "scriptorium.dev/v1alpha1",
        "kind": "ScriptExecution",
        "metadata": {"name": name, "namespace": place.namespace},
        "spec": {"scriptRef": {"name": "sum"}, "input": {"a": 1, "b": 2}, "isolation": "Pod"},
    }
    begun = time.perf_counter()
    await place.client.create(run, EXECUTIONS)
    ended = await wait_for(place, EXECUTIONS, name)
    assert ended["status"]["phase"] == "Succeeded", ended["status"]
    return time.perf_counter() - begun


async def measure(place: Place, image: str, count: int) -> tuple[Figures, Figures]:
    """Measure both in turns."""
    floor, ours = [], []
    begun = time.perf_counter()
    for _ in range(count):
        floor.append(await run_floor(place, image))
        ours.append(await run_ours(place))
    seconds = time.perf_counter() - begun
    return summarize(floor, seconds), summarize(ours, seconds)


async def main(count: int) -> None:
    """Measure and print."""
    async with Client(load_config()) as client, open_place(client, replicas=1) as place:
        operator = await client.get(DEPLOYMENTS, "scriptorium-operator", "scriptorium-system")
        image = operator["spec"]["template"]["spec"]["containers"][0]["image"]
        print("warming up: the pool's first pod, and one of each")
        await measure(place, image, 1)
        floor, ours = await measure(place, image, count)
        print(f"{'':<26} {'p50':>11} {'p99':>11} {'rate':>10} {'runs':>6}")
        print(render_row("Job, python -c pass", floor))
        print(render_row("run with its own pod", ours))
        print(render_ratio("ours / floor", ours, floor))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=15, help="of each (default 15)")
    asyncio.run(main(parser.parse_args().count))
