"""Changes that are played before an operator behind a proxy, and what is there in the end."""

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from scriptorium_api import names
from tests.faults.proxy import FaultProxy, Lose, Request
from tests.integration.chart.rendering import NAMESPACE
from tests.integration.operator.processes import OperatorProcess, StartOperator
from tests.integration.operator.test_operator import NAME, PARTS, apply_pool, apply_script, list_volumes
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

Change = Callable[[Kubectl, str], None]

#: What the API server and the clock put on objects, and what differs from namespace to namespace.
_OF_THE_MOMENT = {
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "managedFields",
    "lastTransitionTime",
    "clusterIP",
    "clusterIPs",
    "deployment.kubernetes.io/revision",
    "generation",
    "observedGeneration",
    names.APPLIED_HASH,
}


@dataclass(frozen=True, slots=True)
class View:
    """What a pass is about: when all of it is there, and what is compared."""

    is_complete: Callable[[Kubectl, str], bool]
    describe: Callable[[Kubectl, str], Any]


@dataclass
class Stage:
    """Where a change is played: alone with an operator, in a namespace of its own."""

    kubectl: Kubectl
    start: StartOperator
    proxy: FaultProxy

    def run(
        self, first: Change | None, then: Change, kill_after: int = 0, view: "View | None" = None
    ) -> tuple[Any, list[str]]:
        """Give what the view shows at the end, and the writes that the second change took.

        With a number, the operator is killed after that write, and another one goes on.
        """
        with a_namespace(self.kubectl) as namespace:
            operator = self.start_alone()
            if first is not None:
                first(self.kubectl, namespace)
                self.settle(namespace)
            self.proxy.requests.clear()
            if kill_after:
                self.proxy.rule = LoseWrite(namespace, kill_after, operator)
            then(self.kubectl, namespace)
            if kill_after:
                until(
                    lambda: not operator.is_running(), 30, f"the operator is killed after write {kill_after}"
                )
                self.proxy.rule = lambda _request: None
                operator = self.start_alone()
            found = self.settle(namespace, view)
            writes = [str(write) for write in self.proxy.writes if is_step(write, namespace)]
            operator.stop()
            return found, writes

    def start_alone(self, **settings: str) -> OperatorProcess:
        """Start an operator that need not wait for the Lease of one that was killed."""
        place = ("--namespace", NAMESPACE, "--ignore-not-found")
        self.kubectl.run("delete", "lease", "scriptorium-operator", *place)
        operator = self.start(**settings)
        operator.wait_until_ready()
        return operator

    def settle(self, namespace: str, view: "View | None" = None) -> Any:
        """Wait until everything is there and nothing is written any more; give what the view shows."""
        quiet: list[int] = [-1]
        shown = view or View(is_complete, describe)

        def is_quiet() -> bool:
            former, quiet[0] = quiet[0], len(self.proxy.writes)
            return former == quiet[0] and shown.is_complete(self.kubectl, namespace)

        until(is_quiet, 30, "all is there, and quiet")
        return shown.describe(self.kubectl, namespace)

    def count_writes(self, namespace: str) -> int:
        """Count the operator's writes to a namespace within five seconds."""
        before = len(self.proxy.writes)
        threading.Event().wait(5)
        return sum(namespace in write.path for write in self.proxy.writes[before:])


@contextmanager
def a_namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace for one pass."""
    name = f"test-{secrets.token_hex(4)}"
    kubectl.run("create", "namespace", name)
    yield name
    kubectl.run("delete", "namespace", name, "--wait=false")


def is_step(request: Request, namespace: str) -> bool:
    """Say whether it is a write that a change takes each time.

    The status of a pool is not: it is written when its pods come up, be that before the change or after.
    """
    is_of_pods = request.path.endswith("/runnerpools/default/status")
    return request.is_write and namespace in request.path and not is_of_pods


class LoseWrite:
    """Kills the operator when the API server has done this write of a namespace."""

    def __init__(self, namespace: str, number: int, operator: OperatorProcess) -> None:
        self._namespace, self._left, self._operator = namespace, number, operator

    def __call__(self, request: Request) -> Lose | None:
        if not is_step(request, self._namespace):
            return None
        self._left -= 1
        return Lose(self._operator.kill) if self._left == 0 else None


def is_complete(kubectl: Kubectl, namespace: str) -> bool:
    script = kubectl.get("script", "hello", namespace) or {}
    has_parts = all(kubectl.get(kind, NAME, namespace) for kind in PARTS)
    pool = kubectl.get("runnerpool", "default", namespace) or {}
    names_values = "env" in script.get("spec", {})
    has_values = ("values" in list_volumes(kubectl, namespace)) == names_values
    return has_parts and has_values and is_up_to_date(script) and is_up_to_date(pool)


def is_up_to_date(item: dict[str, Any]) -> bool:
    return bool(
        item.get("status", {}).get("observedGeneration") == item.get("metadata", {}).get("generation", -1)
    )


def describe(kubectl: Kubectl, namespace: str) -> Any:
    """Give all objects of ours in the namespace, but for what is of the moment; pods come as they may."""
    items = list_ours(kubectl, namespace)
    text = json.dumps(sorted(map(strip, items), key=lambda item: (item["kind"], item["metadata"]["name"])))
    tenant = kubectl.get("namespace", namespace)
    assert tenant
    return json.loads(text.replace(tenant["metadata"]["uid"], "UID").replace(namespace, "NAMESPACE"))


def list_ours(kubectl: Kubectl, namespace: str, kinds: str = "") -> list[dict[str, Any]]:
    """Give the objects that the operator makes or judges in a namespace."""
    found = kubectl.list(kinds or ",".join(("script", "runnerpool", *PARTS)), namespace)
    wanted = {"Script": "hello", "RunnerPool": "default"}
    return [item for item in found if item["metadata"]["name"] == wanted.get(item["kind"], NAME)]


def strip(item: Any) -> Any:
    if isinstance(item, list):
        return [strip(each) for each in item]
    if not isinstance(item, dict):
        return item
    kept = {key: strip(value) for key, value in item.items() if key not in _OF_THE_MOMENT}
    if item.get("kind") in ("Deployment", "RunnerPool"):
        kept.pop("status", None)
    return kept


def make_script_and_pool(kubectl: Kubectl, namespace: str) -> None:
    apply_script(kubectl, namespace)


def make_script_and_resting_pool(kubectl: Kubectl, namespace: str) -> None:
    """Without pods nobody but the operator has a reason to write."""
    apply_pool(kubectl, namespace, replicas=0)
    apply_script(kubectl, namespace)
