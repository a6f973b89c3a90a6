from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from scriptorium_api import names
from scriptorium_operator.build.default_pool import build_bare_pool, build_default_pool
from scriptorium_operator.build.pool_objects import build_pool_objects, seal
from scriptorium_operator.endpoint_settings import EndpointSettings
from scriptorium_operator.facts import Address, Manifest, Tenant
from scriptorium_operator.settings import RunnerSettings, Settings
from tests.unit.operator.fakes import make_pool

GOLDEN = Path(__file__).with_name("pool_objects.yaml")
SETTINGS = Settings(runner=RunnerSettings(image="example.org/scriptorium:1"))
TENANT = Tenant(id="n1", name="team", labels={})
API_SERVER = [Address("10.96.0.1", 443), Address("10.0.0.2", 6443), Address("10.0.0.1", 6443)]


def build(settings: Settings = SETTINGS, tenant: Tenant = TENANT, **spec: Any) -> dict[str, Manifest]:
    manifests = build_pool_objects(make_pool(**spec), tenant, API_SERVER, settings)
    return {manifest["kind"]: manifest for manifest in manifests}


def pod_of(objects: dict[str, Manifest]) -> Manifest:
    pod: Manifest = objects["Deployment"]["spec"]["template"]["spec"]
    return pod


def environment_of(objects: dict[str, Manifest]) -> dict[str, Manifest]:
    return {entry["name"]: entry for entry in pod_of(objects)["containers"][0]["env"]}


def with_runner(**changes: Any) -> Settings:
    return replace(SETTINGS, runner=replace(SETTINGS.runner, **changes))


def test_runners_are_told_of_a_relaxed_sandbox_and_of_nothing_otherwise() -> None:
    told = {"name": "SCRIPTORIUM_REQUIRE_LANDLOCK", "value": "false"}
    assert environment_of(build(with_runner(requires_landlock=False)))[told["name"]] == told
    assert told["name"] not in environment_of(build())


def test_a_pool_becomes_these_objects() -> None:
    assert list(build().values()) == list(yaml.safe_load_all(GOLDEN.read_text()))


def test_every_object_is_named_for_and_owned_by_its_pool() -> None:
    for manifest in build().values():
        metadata = manifest["metadata"]
        assert metadata["name"] == names.pool_object_name("default")
        assert metadata["namespace"] == "team"
        assert [owner["uid"] for owner in metadata["ownerReferences"]] == ["p1"]
        assert metadata["labels"] == names.runner_labels("default")


def test_service_and_budget_and_deployment_mean_the_same_pods() -> None:
    objects = build(replicas=2)
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        objects["Deployment"]["spec"]["selector"]["matchLabels"],
        objects["Service"]["spec"]["selector"],
        objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
        assert selector == names.runner_selector("default")


def test_the_policy_is_for_the_pools_pods_and_for_those_of_single_runs() -> None:
    selector = build()["NetworkPolicy"]["spec"]["podSelector"]
    (expression,) = selector["matchExpressions"]
    for labels in (names.runner_labels("default"), names.run_labels("default")):
        assert selector["matchLabels"].items() <= labels.items()
        assert labels[expression["key"]] in expression["values"]


def test_the_account_is_the_one_that_is_bound_and_that_the_pods_run_as() -> None:
    objects = build()
    account = objects["ServiceAccount"]["metadata"]["name"]
    assert objects["RoleBinding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": account, "namespace": "team"}
    ]
    assert objects["RoleBinding"]["roleRef"]["name"] == names.RUNNER_ROLE
    assert pod_of(objects)["serviceAccountName"] == account


def test_probes_and_service_use_the_port_that_the_container_opens() -> None:
    objects = build()
    container = pod_of(objects)["containers"][0]
    opened = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert opened == {"http": 8080, "internal": 8082, "metrics": 8081}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == "metrics"
    assert {port["targetPort"]: port["port"] for port in objects["Service"]["spec"]["ports"]} == opened


def test_the_spec_says_how_many_runners_and_where() -> None:
    toleration = {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}
    objects = build(replicas=3, workersPerRunner=4, nodeSelector={"disk": "ssd"}, tolerations=[toleration])
    assert objects["Deployment"]["spec"]["replicas"] == 3
    assert environment_of(objects)["SCRIPT_VM_POOL_SIZE"]["value"] == "4"
    assert pod_of(objects)["nodeSelector"] == {"disk": "ssd"}
    assert pod_of(objects)["tolerations"] == [toleration]


def test_the_organization_is_the_label_that_the_settings_name() -> None:
    tenant = replace(TENANT, labels={"scriptorium.dev/organization": "acme", "org": "other"})
    ours = environment_of(build(tenant=tenant))["SCRIPTORIUM_ORGANIZATION_ID"]
    theirs = environment_of(build(replace(SETTINGS, organization_label="org"), tenant))
    assert ours["value"] == "acme"
    assert theirs["SCRIPTORIUM_ORGANIZATION_ID"]["value"] == "other"


def test_no_organization_is_an_entry_without_value_as_the_api_server_keeps_it() -> None:
    assert environment_of(build())["SCRIPTORIUM_ORGANIZATION_ID"] == {"name": "SCRIPTORIUM_ORGANIZATION_ID"}


def test_optional_settings_are_absent_unless_set() -> None:
    assert not {"imagePullSecrets", "priorityClassName", "nodeSelector", "tolerations"} & set(pod_of(build()))
    pod = pod_of(build(with_runner(pull_secrets=("registry",), priority_class="high")))
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["priorityClassName"] == "high"


def ways_in(settings: Settings = SETTINGS) -> dict[int, Manifest]:
    """Give the rules of the policy by the port that each lets in to."""
    rules = build(settings)["NetworkPolicy"]["spec"]["ingress"]
    return {rule["ports"][0]["port"]: rule for rule in rules}


def namespace(name: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def test_the_policy_lets_everybody_call_endpoints_the_cluster_invoke_scripts_and_nobody_read_metrics() -> (
    None
):
    assert ways_in().keys() == {8080, 8082}
    assert "from" not in ways_in()[8080]
    assert ways_in()[8082]["from"] == [{"namespaceSelector": {}}]


def test_the_policy_lets_those_read_metrics_who_are_named() -> None:
    assert ways_in(with_runner(metrics_from=("monitoring",)))[8081] == {
        "from": [namespace("monitoring")],
        "ports": [{"protocol": "TCP", "port": 8081}],
    }


def test_the_policy_lets_no_others_call_endpoints_where_some_are_named() -> None:
    named = EndpointSettings(from_namespaces=("ingress",), from_cidrs=("10.0.0.0/24",))
    assert ways_in(with_runner(endpoints=named))[8080]["from"] == [
        namespace("ingress"),
        {"ipBlock": {"cidr": "10.0.0.0/24"}},
    ]


def test_runners_are_told_whose_word_counts_for_where_a_request_is_from() -> None:
    trusting = with_runner(endpoints=EndpointSettings(trusted_proxies=("10.0.0.0/24", "fd00::/8")))
    assert environment_of(build(trusting))["SCRIPTORIUM_TRUSTED_PROXIES"]["value"] == "10.0.0.0/24,fd00::/8"
    assert "SCRIPTORIUM_TRUSTED_PROXIES" not in environment_of(build())


def test_the_policy_is_absent_where_it_is_switched_off() -> None:
    assert "NetworkPolicy" not in build(with_runner(has_network_policy=False))


@pytest.mark.parametrize(("replicas", "has_budget"), [(0, False), (1, False), (2, True), (100, True)])
def test_a_drain_takes_one_runner_at_a_time_where_there_are_several(
    replicas: int, *, has_budget: bool
) -> None:
    budget = build(replicas=replicas).get("PodDisruptionBudget")
    assert (budget is not None) == has_budget
    assert budget is None or budget["spec"]["maxUnavailable"] == 1


def test_an_address_of_version_six_is_one_host_too() -> None:
    manifests = build_pool_objects(make_pool(), TENANT, [Address("fd00::1", 6443)], SETTINGS)
    policy = next(manifest for manifest in manifests if manifest["kind"] == "NetworkPolicy")
    assert policy["spec"]["egress"][1]["to"] == [{"ipBlock": {"cidr": "fd00::1/128"}}]


def test_a_pool_runs_under_the_restricted_pod_security_standard() -> None:
    pod = pod_of(build())
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_seal_changes_with_anything_in_the_manifest() -> None:
    hashes = {
        build(**spec)["Deployment"]["metadata"]["annotations"][names.APPLIED_HASH]
        for spec in ({}, {"replicas": 2}, {"nodeSelector": {"a": "b"}})
    }
    assert len(hashes) == 3


def test_sealing_leaves_its_argument_as_it_was() -> None:
    manifest = {"kind": "Service", "metadata": {"name": "x"}}
    seal(manifest)
    assert manifest == {"kind": "Service", "metadata": {"name": "x"}}


@pytest.mark.parametrize("build_pool", [build_default_pool, build_bare_pool])
def test_the_default_pool_claims_no_field_that_users_edit(build_pool: Any) -> None:
    assert set(build_pool("team")) == {"apiVersion", "kind", "metadata"}


def test_the_default_pool_tells_who_made_it() -> None:
    assert build_default_pool("team")["metadata"]["labels"]["app.kubernetes.io/managed-by"] == names.MANAGER


def test_what_the_platform_says_of_scripts_is_in_the_runners_environment() -> None:
    found = environment_of(build(with_runner(sandbox=(("SCRIPT_TIMEOUT_MS", "30000"),))))
    assert found["SCRIPT_TIMEOUT_MS"] == {"name": "SCRIPT_TIMEOUT_MS", "value": "30000"}
