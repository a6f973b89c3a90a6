"""From the former version's CRDs to these, with objects in place: none is rewritten, no run is lost.

`former/` holds the CRDs as they were before this version, as they were rendered then.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.helm import CHART, Helm
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, pool, script
from tests.support.stories import expect
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

FORMER = Path(__file__).parent / "former"
CRDS = CHART / "files" / "crds"
WAITS = ("--wait", "--timeout=3m")

#: A run that goes on while the release is upgraded, however long that takes.
ENDLESS = "for (;;) {}"


@pytest.fixture
def former(kubectl: Kubectl, release: str, tmp_path: Path) -> Iterator[Helm]:
    """The release with the former CRDs; in the end it is upgraded to this checkout's chart, come what may."""
    helm = Helm(kubectl.kubeconfig, release)
    chart = tmp_path / "scriptorium"
    shutil.copytree(CHART, chart)
    shutil.rmtree(chart / "files" / "crds")
    shutil.copytree(FORMER, chart / "files" / "crds")
    try:
        # Another value, so that the upgrade starts the operator anew as well.
        helm.upgrade("--set=operator.poolIdleSeconds=599", *WAITS, chart=chart)
        yield helm
    finally:
        helm.upgrade("--set=operator.poolIdleSeconds=600", *WAITS)


def test_an_upgrade_rewrites_no_object_and_loses_no_run(
    former: Helm, kubectl: Kubectl, namespace: str
) -> None:
    assert "retry" not in properties_of(kubectl, "scriptexecutions"), "the former CRD is in place"
    put_objects(kubectl, namespace)
    before = versions_of(kubectl, namespace)
    former.upgrade("--set=operator.poolIdleSeconds=600", *WAITS)
    assert "retry" in properties_of(kubectl, "scriptexecutions"), "this version's CRD is in place"
    # By now new replicas of the operator have seen every object.
    assert versions_of(kubectl, namespace) == before
    for plural in ("scripts", "scriptexecutions", "runnerpools"):
        assert_columns(kubectl, namespace, plural)
    kubectl.apply(script("late", source="return 2;"), namespace)
    expect_success(kubectl, namespace, "waiting")
    # The runner that began the former version's run still has it in its hands.
    cancel = ("--type=merge", "-p", '{"spec":{"cancel":true}}')
    kubectl.run("patch", "sx", "in-progress", "--namespace", namespace, *cancel)
    ended = {"phase": "Cancelled", "attempt": 1}
    run = {"kind": "ScriptExecution", "metadata": {"name": "in-progress"}, "status": ended}
    expect(run, kubectl, namespace)


def put_objects(kubectl: Kubectl, namespace: str) -> None:
    """Have a pool, Scripts, a settled run, one in progress and one that waits for its Script."""
    kubectl.create(pool(replicas=1, workersPerRunner=2), namespace)
    kubectl.apply(script("hello", source="return 1;"), namespace)
    kubectl.apply(script("slow", source=ENDLESS, limits={"timeoutSeconds": 600}), namespace)
    kubectl.create(execution("settled", scriptRef={"name": "hello"}, input={"a": 1}), namespace)
    expect_success(kubectl, namespace, "settled")
    kubectl.create(execution("waiting", scriptRef={"name": "late"}), namespace)
    waits = {"phase": "Pending", "reason": "ScriptNotFound"}
    expect({"kind": "ScriptExecution", "metadata": {"name": "waiting"}, "status": waits}, kubectl, namespace)
    for kind, name in (("rp", "default"), ("script", "hello"), ("script", "slow")):
        place = ("--namespace", namespace, "--timeout=60s")
        kubectl.run("wait", f"{kind}/{name}", "--for=condition=Ready", *place)
    kubectl.create(execution("in-progress", scriptRef={"name": "slow"}), namespace)
    until(lambda: phase_of(kubectl, namespace, "in-progress") == "Running")


def phase_of(kubectl: Kubectl, namespace: str, name: str) -> str:
    run = kubectl.get("sx", name, namespace)
    assert run is not None, f"{name} is lost"
    return str(run["status"]["phase"])


def expect_success(kubectl: Kubectl, namespace: str, name: str) -> None:
    status = {"phase": "Succeeded", "attempt": 1}
    expect({"kind": "ScriptExecution", "metadata": {"name": name}, "status": status}, kubectl, namespace)


def versions_of(kubectl: Kubectl, namespace: str) -> dict[str, tuple[str, int]]:
    """Give each object's version and generation: a write changes the one, a new spec the other.

    The run in progress is left out: it may be settled meanwhile.
    """
    return {
        f"{item['kind']}/{item['metadata']['name']}": (
            item["metadata"]["resourceVersion"],
            item["metadata"]["generation"],
        )
        for item in kubectl.list("scripts,scriptexecutions,runnerpools", namespace)
        if item["metadata"]["name"] != "in-progress"
    }


def properties_of(kubectl: Kubectl, plural: str) -> list[str]:
    """Give the fields of a kind's spec, as the API server has them."""
    crd = kubectl.get("crd", f"{plural}.scriptorium.dev")
    assert crd is not None
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return list(schema["properties"]["spec"]["properties"])


def assert_columns(kubectl: Kubectl, namespace: str, plural: str) -> None:
    """See that a list has this version's columns, and the objects' values in them."""
    crd = yaml.safe_load((CRDS / f"{plural}.yaml").read_text())
    columns = crd["spec"]["versions"][0]["additionalPrinterColumns"]
    header, *rows = kubectl.run("get", plural, "--namespace", namespace, "-o", "wide").splitlines()
    assert header.split()[1:] == [word for column in columns for word in column["name"].upper().split()]
    assert len(rows) == len(kubectl.list(plural, namespace))
    if plural == "scriptexecutions":
        assert any(row.split()[:4] == ["settled", "hello", "Succeeded", "Completed"] for row in rows)
