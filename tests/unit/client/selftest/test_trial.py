"""The course of the test, on a cluster in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from scriptorium_client import resources
from scriptorium_client.errors import ApiError, Conflict, Forbidden, Unavailable
from scriptorium_client.resources import Resource
from scriptorium_client.selftest import trial
from scriptorium_client.selftest.trial import NAME, Place, Trial, TrialFailed

Manifest = dict[str, Any]

JUDGED = {
    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2030-01-01T12:00:00Z"}],
    "version": 1,
}


@dataclass
class Cluster:
    """The verbs that the test uses; `work` is what operator and runners do between two looks."""

    work: Callable[["Cluster"], None] = lambda cluster: settle(cluster, None)
    objects: dict[str, Manifest] = field(default_factory=dict)
    refusal: ApiError | None = None
    outages: int = 0

    async def create(self, manifest: Manifest, resource: Resource) -> Manifest:
        if self.refusal:
            raise self.refusal
        if resource.kind in self.objects:
            raise Conflict("already exists")
        metadata = manifest["metadata"] | {"uid": resource.kind}
        self.objects[resource.kind] = manifest | {"metadata": metadata}
        return self.objects[resource.kind]

    async def find(self, resource: Resource, name: str, namespace: str) -> Manifest | None:
        if resource is resources.DEPLOYMENTS:
            self.work(self)
            if self.outages:
                self.outages -= 1
                raise Unavailable("down")
        return self.objects.get(resource.kind)

    async def list_all(self, resource: Resource, namespace: str, labels: str) -> list[Manifest]:
        return []

    async def delete(self, resource: Resource, name: str, namespace: str, uid: str) -> None:
        assert self.objects.pop(resource.kind)["metadata"]["uid"] == uid


def settle(cluster: Cluster, output: Manifest | None) -> None:
    """Do what operator and runner do, or answer as the test says."""
    run = cluster.objects["ScriptExecution"]
    doubled = {"doubled": run["spec"]["input"]["number"] * 2}
    run["status"] = {"phase": "Succeeded", "reason": "Completed", "output": output or doubled}
    cluster.objects["Script"]["status"] = JUDGED


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_PAUSE", 0)


async def attempt(cluster: Cluster) -> str:
    """Give what the test says; each look takes a second of its ten."""
    times = iter(range(1000))
    place = Place(release_namespace="system", namespace="team", seconds=10)
    return await Trial(cluster, place, lambda: float(next(times))).run(21)  # type: ignore[arg-type]


async def fail(cluster: Cluster) -> str:
    with pytest.raises(TrialFailed) as raised:
        await attempt(cluster)
    return str(raised.value)


async def test_a_script_runs_and_nothing_is_left() -> None:
    cluster = Cluster()
    assert await attempt(cluster) == "a Script ran in namespace team and gave {'doubled': 42}"
    assert cluster.objects == {}


async def test_a_wrong_answer_is_a_failure_and_nothing_is_left() -> None:
    cluster = Cluster(work=lambda cluster: settle(cluster, {"doubled": 41}))
    assert await fail(cluster) == "its run gave {'doubled': 41} instead of 42"
    assert cluster.objects == {}


async def test_without_an_operator_the_cause_is_told_and_nothing_is_left() -> None:
    cluster = Cluster(work=lambda _cluster: None)
    assert await fail(cluster) == "there is no Deployment scriptorium-operator"
    assert cluster.objects == {}


async def test_a_refusal_is_told_in_the_api_servers_words() -> None:
    cluster = Cluster(refusal=Forbidden("quota exceeded"))
    assert await fail(cluster) == "the API server does not take a Script: quota exceeded"


async def test_what_a_killed_test_left_is_removed_first() -> None:
    cluster = Cluster()
    cluster.objects["Script"] = {"metadata": {"name": NAME, "uid": "old", "labels": trial._LABELS}}
    assert "gave" in await attempt(cluster)


async def test_somebody_elses_script_of_that_name_is_left_alone() -> None:
    cluster = Cluster()
    cluster.objects["Script"] = {"metadata": {"name": NAME, "uid": "theirs"}}
    assert await fail(cluster) == f"there is a Script {NAME} in namespace team that is not the test's"
    assert "Script" in cluster.objects


async def test_a_moment_without_the_api_server_is_waited_out() -> None:
    assert "gave" in await attempt(Cluster(outages=3))


async def test_an_api_server_that_stays_away_is_told() -> None:
    assert await fail(Cluster(outages=1000)) == "the API server does not answer: down"
