"""What an Endpoint becomes, who of several has a host, and that nothing of it is left."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from scriptorium_api import names
from tests.e2e.conftest import Operator
from tests.support.kubectl import Kubectl
from tests.support.manifests import Manifest, script
from tests.support.waiting import until, until_equal

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

#: A pool is made and its pods start, on a busy machine.
POOL_SECONDS = 180

HELLO: dict[str, Any] = {"scriptRef": {"name": "hello"}}
PUBLIC: dict[str, Any] = {"auth": [{"none": {}}]}


def endpoint(name: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": names.API_VERSION,
        "kind": "Endpoint",
        "metadata": {"name": name},
        "spec": PUBLIC | ({} if "script" in spec else HELLO) | spec,
    }


def condition_of(kubectl: Kubectl, namespace: str, name: str, kind: str = "Ready") -> dict[str, Any]:
    found = kubectl.get("sep", name, namespace) or {}
    conditions = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def expect(kubectl: Kubectl, namespace: str, name: str, reason: str, seconds: float = POOL_SECONDS) -> None:
    until_equal(lambda: condition_of(kubectl, namespace, name).get("reason"), reason, seconds)


def ingresses_of(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    return kubectl.list("ingresses", namespace)


def paths_of(kubectl: Kubectl, namespace: str) -> list[str]:
    """Give the paths of the only Ingress there is; nothing where there is none."""
    found = ingresses_of(kubectl, namespace)
    assert len(found) <= 1
    return [path["path"] for each in found for path in each["spec"]["rules"][0]["http"]["paths"]]


@pytest.fixture
def host(kubectl: Kubectl, namespace: str) -> str:
    """A host that no other test has; in the namespace is a Script."""
    kubectl.apply(script("hello", source="return { hello: 1 };"), namespace)
    return f"{namespace}.example.com"


@pytest.fixture
def other(kubectl: Kubectl) -> Iterator[str]:
    """Another namespace with the same Script."""
    name = f"test-{secrets.token_hex(4)}"
    kubectl.run("create", "namespace", name)
    kubectl.apply(script("hello", source="return { hello: 1 };"), name)
    yield name
    kubectl.run("delete", "namespace", name, "--wait=false")


def test_an_endpoint_becomes_an_ingress_and_says_where_it_answers(
    kubectl: Kubectl, namespace: str, host: str
) -> None:
    kubectl.apply(endpoint("orders", host=host, path="/orders/{id}", methods=["GET", "PUT"]), namespace)
    expect(kubectl, namespace, "orders", "Ready")
    kubectl.apply(endpoint("lists", host=host, path="/lists"), namespace)
    expect(kubectl, namespace, "lists", "Ready")
    until_equal(lambda: paths_of(kubectl, namespace), ["/lists", "/orders"], 30)
    (ingress,) = ingresses_of(kubectl, namespace)
    assert [owner["name"] for owner in ingress["metadata"]["ownerReferences"]] == ["lists", "orders"]
    assert not any(owner.get("controller") for owner in ingress["metadata"]["ownerReferences"])
    assert "tls" not in ingress["spec"]
    service = kubectl.get("service", "scriptorium-runner-default", namespace) or {}
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    assert ports == {"http": 8080, "internal": 8082, "metrics": 8081}
    heading, row = kubectl.run("get", "sep", "orders", "--namespace", namespace).splitlines()
    assert heading.split() == ["NAME", "URL", "METHODS", "SCRIPT", "READY", "AGE"]
    assert row.split()[:5] == ["orders", f"http://{host}/orders/{{id}}", "GET,PUT", "hello", "True"]


def test_the_class_that_the_cluster_gave_an_ingress_stays_when_it_changes(
    kubectl: Kubectl, namespace: str, host: str
) -> None:
    kubectl.apply(endpoint("a", host=host, path="/a"), namespace)
    until_equal(lambda: paths_of(kubectl, namespace), ["/a"], 60)
    before = ingresses_of(kubectl, namespace)[0]["spec"].get("ingressClassName")
    kubectl.apply(endpoint("b", host=host, path="/b"), namespace)
    until_equal(lambda: paths_of(kubectl, namespace), ["/a", "/b"], 60)
    assert ingresses_of(kubectl, namespace)[0]["spec"].get("ingressClassName") == before


def test_an_ingress_that_was_deleted_or_changed_is_mended(
    kubectl: Kubectl, namespace: str, host: str
) -> None:
    kubectl.apply(endpoint("a", host=host, path="/a"), namespace)
    until_equal(lambda: paths_of(kubectl, namespace), ["/a"], 60)
    kubectl.run("delete", "ingress", "--all", "--namespace", namespace)
    until_equal(lambda: paths_of(kubectl, namespace), ["/a"], 60)
    (ingress,) = ingresses_of(kubectl, namespace)
    patch = '[{"op": "replace", "path": "/spec/rules/0/http/paths/0/path", "value": "/other"}]'
    name = ingress["metadata"]["name"]
    kubectl.run("patch", "ingress", name, "--namespace", namespace, "--type=json", "-p", patch)
    until_equal(lambda: paths_of(kubectl, namespace), ["/a"], 60)


def test_the_certificate_is_the_one_that_the_endpoint_names(
    kubectl: Kubectl, namespace: str, host: str
) -> None:
    kubectl.apply(endpoint("safe", host=host, path="/", tls={"secretName": "certificate"}), namespace)
    until_equal(lambda: paths_of(kubectl, namespace), ["/"], 60)
    (ingress,) = ingresses_of(kubectl, namespace)
    assert ingress["spec"]["tls"] == [{"hosts": [host], "secretName": "certificate"}]
    until_equal(
        lambda: (kubectl.get("sep", "safe", namespace) or {}).get("status", {}).get("url"),
        f"https://{host}/",
        30,
    )


def test_the_older_of_two_has_the_path_and_the_other_takes_over(
    kubectl: Kubectl, namespace: str, host: str
) -> None:
    kubectl.apply(endpoint("first", host=host, path="/a/{id}"), namespace)
    expect(kubectl, namespace, "first", "Ready")
    kubectl.apply(endpoint("second", host=host, path="/a/{key}"), namespace)
    expect(kubectl, namespace, "second", "Conflict")
    message = condition_of(kubectl, namespace, "second", "Conflict")["message"]
    assert f"{namespace}/first" in message
    kubectl.run("delete", "sep", "first", "--namespace", namespace)
    expect(kubectl, namespace, "second", "Ready")
    assert condition_of(kubectl, namespace, "second", "Conflict")["status"] == "False"


def test_a_host_that_another_namespace_has_is_taken_without_a_name_until_that_lets_go(
    kubectl: Kubectl, namespace: str, other: str, host: str
) -> None:
    kubectl.apply(endpoint("theirs", host=host, path="/"), namespace)
    expect(kubectl, namespace, "theirs", "Ready")
    kubectl.apply(endpoint("ours", host=host, path="/elsewhere"), other)
    expect(kubectl, other, "ours", "HostTaken")
    told = str((kubectl.get("sep", "ours", other) or {})["status"])
    assert "theirs" not in told
    assert ingresses_of(kubectl, other) == []
    kubectl.run("delete", "sep", "theirs", "--namespace", namespace)
    expect(kubectl, other, "ours", "Ready")
    assert paths_of(kubectl, other) == ["/elsewhere"]


def test_an_inline_script_is_the_endpoints_own_and_goes_with_it(
    kubectl: Kubectl, namespace: str, host: str
) -> None:
    kubectl.apply(endpoint("own", host=host, path="/own", script={"source": "return 1;"}), namespace)
    expect(kubectl, namespace, "own", "Ready")
    name = names.inline_script_name("own", "Endpoint")
    assert kubectl.get("script", name, namespace)
    kubectl.run("delete", "sep", "own", "--namespace", namespace)
    until(lambda: not kubectl.get("script", name, namespace), 60, "the Script is gone")


def test_an_ingress_goes_with_the_last_of_its_endpoints_while_the_operator_is_gone(
    kubectl: Kubectl, namespace: str, host: str, operator: Operator
) -> None:
    for name in ("a", "b"):
        kubectl.apply(endpoint(name, host=host, path=f"/{name}"), namespace)
    until_equal(lambda: paths_of(kubectl, namespace), ["/a", "/b"], 60)
    operator.stop()
    kubectl.run("delete", "sep", "a", "--namespace", namespace)

    def owners() -> list[str]:
        found = ingresses_of(kubectl, namespace)
        return [owner["name"] for each in found for owner in each["metadata"]["ownerReferences"]]

    until_equal(owners, ["b"], 90)
    kubectl.run("delete", "sep", "b", "--namespace", namespace)
    until(lambda: not ingresses_of(kubectl, namespace), 90, "the Ingress is gone")


def test_a_change_of_state_is_told_by_an_event(kubectl: Kubectl, namespace: str, host: str) -> None:
    kubectl.apply(endpoint("told", host=host, path="/told", scriptRef={"name": "absent"}), namespace)
    expect(kubectl, namespace, "told", "ScriptNotFound")

    def reasons() -> set[str]:
        events = kubectl.list("events", namespace, "--field-selector=involvedObject.name=told")
        return {event["reason"] for event in events}

    until(lambda: "ScriptNotFound" in reasons(), 30, "an Event tells")
    kubectl.apply(script("absent", source="return 1;"), namespace)
    until(lambda: "Ready" in reasons(), POOL_SECONDS, "another one too")
