"""What the chart makes of its values: needs helm, and no cluster."""

from typing import Any

import pytest
import yaml

from scriptorium_api import names
from scriptorium_operator.endpoint_settings import EndpointSettings, HostRule
from scriptorium_operator.settings import CertificateSource, WebhookSettings, read_settings
from tests.integration.chart.rendering import (
    CHART,
    NAMESPACE,
    ROOT,
    attempt_helm,
    attempt_rendering,
    render,
    render_all_of,
    render_one,
)

WITHOUT_LABELS_OF_OURS = {"CustomResourceDefinition"}


def operator_pod(*options: str) -> dict[str, Any]:
    pod: dict[str, Any] = render_one("Deployment", "scriptorium-operator", *options)["spec"]["template"][
        "spec"
    ]
    return pod


def operator_environment(*options: str) -> dict[str, str]:
    """Give what the chart sets; what the kubelet fills in is not known here."""
    entries = operator_pod(*options)["containers"][0]["env"]
    return {entry["name"]: entry["value"] for entry in entries if "value" in entry}


def rules_of(role: str) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in render_one("ClusterRole", role)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_helm_finds_nothing_to_complain_about() -> None:
    done = attempt_helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout


def test_the_crds_are_the_models_own_and_outlive_the_release() -> None:
    rendered = {
        manifest["metadata"]["name"]: manifest
        for manifest in render()
        if manifest["kind"] == "CustomResourceDefinition"
    }
    written = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    assert list(rendered.values()) == written
    for crd in rendered.values():
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_crds_that_need_not_stay_go_with_the_release_and_are_the_same_otherwise() -> None:
    kept, gone = (
        [item for item in render(*options) if item["kind"] == "CustomResourceDefinition"]
        for options in ((), ("--set=crds.keep=false",))
    )
    assert len(kept) == 5
    for crd in kept:
        del crd["metadata"]["annotations"]
    assert gone == kept


def test_every_object_has_the_standard_labels() -> None:
    for manifest in render():
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "scriptorium"
        if manifest["kind"] not in WITHOUT_LABELS_OF_OURS:
            assert labels["app.kubernetes.io/component"] in {"operator", "runner", "test"}
            assert labels["app.kubernetes.io/instance"] == "scriptorium"
            assert labels["app.kubernetes.io/managed-by"] == "Helm"


def test_the_operator_understands_the_charts_defaults() -> None:
    environment = operator_environment()
    assert read_settings(environment) == read_settings(
        {"SCRIPTORIUM_IMAGE": environment["SCRIPTORIUM_IMAGE"], "SCRIPTORIUM_WEBHOOKS": "own"}
    )


def test_the_operator_gets_what_the_values_say() -> None:
    settings = read_settings(
        operator_environment(
            "--set=image.repository=registry.example:5000/team/scriptorium",
            "--set=image.tag=1.2.3",
            "--set=image.pullPolicy=Always",
            "--set=image.pullSecrets={one,two}",
            "--set=operator.poolIdleSeconds=60",
            "--set=runner.priorityClassName=high",
            "--set=tenancy.organizationLabel=example.org/unit",
            "--set=networkPolicy.enabled=false",
            "--set=networkPolicy.metricsFrom={monitoring}",
            "--set=webhooks.certManager.enabled=true",
            "--set=endpoints.ingressClassName=public",
            "--set-json=endpoints.allowedHosts="
            '{"team-*": ["*.teams.example.com", "shop.example.com"], "*": []}',
            "--set=endpoints.from.namespaces={ingress}",
            "--set=endpoints.from.cidrs={10.0.0.0/24}",
            "--set=endpoints.trustedProxies={10.0.0.7,fd00::/8}",
        )
    )
    assert settings.runner.endpoints == EndpointSettings(
        ingress_class="public",
        allowed_hosts=(
            HostRule("*", ()),
            HostRule("team-*", ("*.teams.example.com", "shop.example.com")),
        ),
        from_namespaces=("ingress",),
        from_cidrs=("10.0.0.0/24",),
        trusted_proxies=("10.0.0.7/32", "fd00::/8"),
    )
    assert settings.runner.image == "registry.example:5000/team/scriptorium:1.2.3"
    assert settings.runner.pull_policy == "Always"
    assert settings.runner.pull_secrets == ("one", "two")
    assert settings.runner.priority_class == "high"
    assert settings.runner.metrics_from == ("monitoring",)
    assert not settings.runner.has_network_policy
    assert settings.pool_idle.total_seconds() == 60
    assert settings.organization_label == "example.org/unit"
    assert settings.webhooks == WebhookSettings(certificates=CertificateSource.MOUNTED)


def test_without_a_tag_the_image_is_that_of_the_charts_version() -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert operator_pod()["containers"][0]["image"].endswith(f":{version}")


def test_placement_is_left_out_unless_set() -> None:
    assert not {"nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets"} & set(operator_pod())
    pod = operator_pod(
        "--set=operator.nodeSelector.disk=ssd",
        "--set=operator.tolerations[0].operator=Exists",
        "--set=operator.priorityClassName=high",
    )
    assert pod["nodeSelector"] == {"disk": "ssd"}
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert pod["priorityClassName"] == "high"


@pytest.mark.parametrize(
    "value",
    [
        "replicas=2",
        "image.digest=x",
        "image.pullPolicy=Sometimes",
        "image.repository=two words",
        "operator.poolIdleSeconds=0",
        "operator.poolIdleSeconds=soon",
        "operator.resources.limits.memory=much",
        "networkPolicy.enabled=1",
        "webhooks.failurePolicy=Retry",
        "webhooks.certManager=true",
        "networkPolicy.metricsFrom={Not_A_Name}",
        "networkPolicy.apiServer.cidrs={everywhere}",
        "networkPolicy.apiServer.ports={0}",
        "networkPolicy.apiServer.ports=[]",
        "serviceMonitor.interval=often",
        "serviceMonitor.labels.release=1",
        "crds.keep=maybe",
        "endpoints.allowedHosts.team=shop.example.com",
        "endpoints.allowedHosts.team={*shop.example.com}",
        "endpoints.from.cidrs={everywhere}",
        "endpoints.trustedProxies={ingress}",
        "test.timeoutSeconds=0",
        "test.namespace=Not_A_Name",
        "tenancy.organizationLabel=two words",
    ],
)
def test_a_value_that_would_be_ignored_or_makes_no_sense_is_refused(value: str) -> None:
    done = attempt_rendering(f"--set={value}")
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr


def test_runners_may_do_this_and_nothing_else() -> None:
    read = {"get", "list", "watch"}
    kinds = ("scripts", "scriptexecutions", "cronscripts", "scriptendpoints")
    ours = {(names.GROUP, kind, verb) for kind in kinds for verb in read}
    core = {("", kind, verb) for kind in ("pods", "configmaps") for verb in read}
    leases = {("coordination.k8s.io", "leases", verb) for verb in ("list", "create", "patch", "delete")}
    status = {(names.GROUP, f"{kind}/status", "patch") for kind in ("scriptexecutions", "cronscripts")}
    of_slots = {(names.GROUP, "scriptexecutions", "create"), ("batch", "jobs", "get")}
    assert rules_of(names.RUNNER_ROLE) == ours | core | leases | status | of_slots


def test_our_accounts_create_no_runs_but_those_of_schedules() -> None:
    policy = render_one("ValidatingAdmissionPolicy", "scriptorium-own-runs")["spec"]
    assert policy["failurePolicy"] == "Fail"
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["scriptexecutions"], ["CREATE"])
    (condition,) = policy["matchConditions"]
    for account in (
        f"'system:serviceaccount:{NAMESPACE}:scriptorium-operator'",
        f"request.namespace + ':{names.pool_object_name(names.DEFAULT_POOL)}'",
    ):
        assert account in condition["expression"]
    required = " ".join(each["expression"] for each in policy["validations"])
    for word in ("firedBy", "source", "requestedBy", names.CRON_SCRIPT_LABEL, "ownerReferences"):
        assert word in required
    binding = render_one("ValidatingAdmissionPolicyBinding", "scriptorium-own-runs")["spec"]
    assert binding == {"policyName": "scriptorium-own-runs", "validationActions": ["Deny"]}


@pytest.mark.parametrize("name", ["scriptorium-fired-by", "scriptorium-requester"])
def test_who_has_borrowed_one_of_our_accounts_is_nobody_special(name: str) -> None:
    conditions = render_one("ValidatingAdmissionPolicy", name)["spec"]["matchConditions"]
    (by_us,) = (each["expression"] for each in conditions if each["name"] == "not-asked-by-us")
    # Both have to hold of who is ours.
    assert (by_us[:2], by_us[-1]) == ("!(", ")")
    assert "scriptorium-operator" in by_us
    assert "&& has(request.userInfo.extra) && 'authentication.kubernetes.io/pod-name' in" in by_us


def test_only_pods_write_a_status_with_the_account_of_runners() -> None:
    policy = render_one("ValidatingAdmissionPolicy", "scriptorium-runner-status")["spec"]
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (
        ["cronscripts/status", "scriptexecutions/status"],
        ["UPDATE"],
    )
    (validation,) = policy["validations"]
    assert "'authentication.kubernetes.io/pod-name' in request.userInfo.extra" in validation["expression"]
    binding = render_one("ValidatingAdmissionPolicyBinding", "scriptorium-runner-status")["spec"]
    assert binding == {"policyName": "scriptorium-runner-status", "validationActions": ["Deny"]}


def test_who_may_create_runs_of_ours_is_bound_by_the_policy() -> None:
    creators = {
        role["metadata"]["name"]
        for role in render_all_of("ClusterRole")
        for rule in role["rules"]
        if "scriptexecutions" in rule["resources"] and "create" in rule["verbs"]
    }
    users = {"scriptorium-edit", "scriptorium-admin"}
    assert creators - users == {"scriptorium-operator", names.RUNNER_ROLE}


def test_the_operator_may_bind_one_role_and_grant_nothing_else() -> None:
    rules = render_one("ClusterRole", "scriptorium-operator")["rules"]
    binding = [rule for rule in rules if "bind" in rule["verbs"]]
    assert [rule["resourceNames"] for rule in binding] == [[names.RUNNER_ROLE]]
    verbs = {verb for rule in rules for verb in rule["verbs"]}
    assert not verbs & {"*", "escalate", "impersonate"}
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert not resources & {"*", "secrets", "pods/exec", "pods/log", "roles", "scripts/finalizers"}
    # Pods are the Jobs' and the Deployments' to make.
    assert {verb for rule in rules if "pods" in rule["resources"] for verb in rule["verbs"]} == {"list"}


def test_the_operator_changes_no_schedule_but_makes_what_it_needs() -> None:
    rules = rules_of("scriptorium-operator")
    read, write = {"get", "list", "watch"}, {"create", "patch", "delete"}
    assert {verb for _, resource, verb in rules if resource == "cronscripts"} == read
    assert {verb for _, resource, verb in rules if resource == "cronscripts/status"} == {"patch"}
    assert {verb for _, resource, verb in rules if resource == "cronjobs"} == read | write
    # Those that stand inline in CronScripts.
    assert {verb for _, resource, verb in rules if resource == "scripts"} == read | write


@pytest.mark.parametrize("role", ["scriptorium-view", "scriptorium-edit", "scriptorium-admin"])
def test_no_user_writes_a_status(role: str) -> None:
    assert not [resource for _, resource, _ in rules_of(role) if resource.endswith("/status")]


def test_the_operator_changes_no_endpoint_but_its_status_and_makes_ingresses() -> None:
    rules = rules_of("scriptorium-operator")
    read, write = {"get", "list", "watch"}, {"create", "patch", "delete"}
    assert {verb for _, resource, verb in rules if resource == "scriptendpoints"} == read
    assert {verb for _, resource, verb in rules if resource == "scriptendpoints/status"} == {"patch"}
    assert {verb for _, resource, verb in rules if resource == "ingresses"} == read | write
    assert not any(resource == "secrets" for _, resource, _ in rules)


@pytest.mark.parametrize("name", ["scriptorium-inline-script", "scriptorium-inline-source"])
def test_who_brings_code_must_be_allowed_to_create_scripts(name: str) -> None:
    policy = render_one("ValidatingAdmissionPolicy", name)["spec"]
    (rule,) = policy["matchConstraints"]["resourceRules"]
    wanted = {"scriptorium-inline-script": ["cronscripts", "scriptendpoints"]}
    assert rule["resources"] == wanted.get(name, ["scriptexecutions"])
    assert "resource('scripts')" in policy["validations"][0]["expression"]


def test_editors_write_scripts_and_runs_and_only_admins_pools() -> None:
    edited = {resource for _, resource, verb in rules_of("scriptorium-edit") if verb == "create"}
    administered = {resource for _, resource, verb in rules_of("scriptorium-admin") if verb == "create"}
    assert edited == {"scripts", "scriptexecutions", "cronscripts", "scriptendpoints"}
    assert "runnerpools" in administered


def test_two_operators_stand_apart_and_one_of_them_stays_in_a_disruption() -> None:
    deployment = render_one("Deployment", "scriptorium-operator")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "podAntiAffinity" in deployment["spec"]["template"]["spec"]["affinity"]
    budget = render_one("PodDisruptionBudget", "scriptorium-operator")
    assert budget["spec"]["maxUnavailable"] == 1
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_a_single_operator_holds_up_no_drain() -> None:
    rendered = render("--set=operator.replicas=1")
    assert not [item for item in rendered if item["kind"] == "PodDisruptionBudget"]


def test_the_operator_may_write_one_lease() -> None:
    rules = render_one("Role", "scriptorium-operator")["rules"]
    named = [rule for rule in rules if "resourceNames" in rule]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in named] == [
        (["scriptorium-operator"], ["get", "patch"])
    ]
