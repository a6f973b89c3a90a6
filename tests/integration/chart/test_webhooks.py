"""What the API server is told to ask, and by which name: needs helm, and no cluster."""

from typing import Any

import pytest

from scriptorium_operator.admission.app import CHECK_SOURCE, FILL_REQUESTER
from scriptorium_operator.build import webhook_trust
from scriptorium_operator.settings import WebhookSettings
from tests.integration.chart.rendering import NAMESPACE, render, render_one

VALIDATING, MUTATING = "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"
WITH_CERT_MANAGER = "--set=webhooks.certManager.enabled=true"


def render_webhook(kind: str, *options: str) -> dict[str, Any]:
    (webhook,) = render_one(kind, webhook_trust.NAME, *options)["webhooks"]
    found: dict[str, Any] = webhook
    return found


@pytest.mark.parametrize(("kind", "path"), [(VALIDATING, CHECK_SOURCE), (MUTATING, FILL_REQUESTER)])
def test_the_operator_is_asked_where_it_answers(kind: str, path: str) -> None:
    client = render_webhook(kind)["clientConfig"]
    # Without a caBundle: an upgrade must not bring back the one of the installation.
    assert client == {"service": {"name": WebhookSettings.service, "namespace": NAMESPACE, "path": path}}
    service = render_one("Service", WebhookSettings.service)["spec"]
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(443, "webhook")]
    pod = render_one("Deployment", "scriptorium-operator")["spec"]["template"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
    assert ports["webhook"] == WebhookSettings.port


@pytest.mark.parametrize("kind", [VALIDATING, MUTATING])
def test_nothing_but_our_kinds_notices_an_operator_that_is_away(kind: str) -> None:
    webhook = render_webhook(kind)
    assert webhook["failurePolicy"] == "Ignore"
    assert webhook["sideEffects"] == "None"
    assert webhook["timeoutSeconds"] <= 5
    asked = {
        (group, resource)
        for rule in webhook["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    ours = {
        ("scriptorium.dev", kind)
        for kind in ("scripts", "scriptexecutions", "cronscripts", "scriptendpoints")
    }
    assert asked <= ours


@pytest.mark.parametrize("kind", [VALIDATING, MUTATING])
def test_who_wants_nothing_unchecked_says_fail(kind: str) -> None:
    assert render_webhook(kind, "--set=webhooks.failurePolicy=Fail")["failurePolicy"] == "Fail"


@pytest.mark.parametrize("kind", [VALIDATING, MUTATING])
def test_of_what_our_own_accounts_create_nobody_is_asked_nor_written_down(kind: str) -> None:
    (condition,) = (
        each for each in render_webhook(kind)["matchConditions"] if each["name"] == "not-asked-by-us"
    )
    assert f"'system:serviceaccount:{NAMESPACE}:scriptorium-operator'" in condition["expression"]
    assert ":scriptorium-runner-default'" in condition["expression"]


def test_switched_off_nobody_asks_and_nothing_of_it_is_there() -> None:
    rendered = render("--set=webhooks.enabled=false")
    names = {(item["kind"], item["metadata"]["name"]) for item in rendered}
    assert not {kind for kind, _ in names} & {VALIDATING, MUTATING}
    assert ("Service", WebhookSettings.service) not in names
    assert not [item for item in rendered if "admissionregistration.k8s.io" in list_groups(item)]
    # A false requester is refused all the same.
    assert ("ValidatingAdmissionPolicy", "scriptorium-requester") in names


def list_groups(role: dict[str, Any]) -> list[str]:
    return [group for rule in role.get("rules") or [] for group in rule.get("apiGroups") or []]


def test_the_operator_may_say_by_which_certificates_it_is_known_and_no_more() -> None:
    rules = render_one("ClusterRole", "scriptorium-operator")["rules"]
    found = [rule for rule in rules if "admissionregistration.k8s.io" in rule["apiGroups"]]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in found] == [
        ([webhook_trust.NAME], ["get", "patch"])
    ]


def test_with_cert_manager_the_operator_writes_no_configuration_and_mounts_the_certificate() -> None:
    rules = render_one("ClusterRole", "scriptorium-operator", WITH_CERT_MANAGER)["rules"]
    assert not [rule for rule in rules if "admissionregistration.k8s.io" in rule["apiGroups"]]
    for kind in (VALIDATING, MUTATING):
        metadata = render_one(kind, webhook_trust.NAME, WITH_CERT_MANAGER)["metadata"]
        injected = metadata["annotations"]["cert-manager.io/inject-ca-from"]
        assert injected == f"{NAMESPACE}/scriptorium-webhook"
    certificate = render_one("Certificate", "scriptorium-webhook", WITH_CERT_MANAGER)["spec"]
    assert certificate["dnsNames"] == [f"{WebhookSettings.service}.{NAMESPACE}.svc"]
    pod = render_one("Deployment", "scriptorium-operator", WITH_CERT_MANAGER)["spec"]["template"]["spec"]
    (volume,) = [each for each in pod["volumes"] if "secret" in each]
    assert volume["secret"]["secretName"] == certificate["secretName"]
    assert volume["secret"]["optional"] is True
    (mount,) = [each for each in pod["containers"][0]["volumeMounts"] if each["name"] == volume["name"]]
    assert mount["mountPath"] == str(WebhookSettings.folder)


def test_the_issuers_of_the_certificates_are_in_the_chart() -> None:
    rendered = render(WITH_CERT_MANAGER)
    issuers = {item["metadata"]["name"] for item in rendered if item["kind"] == "Issuer"}
    wanted = {item["spec"]["issuerRef"]["name"] for item in rendered if item["kind"] == "Certificate"}
    assert wanted == issuers
    secrets = {item["spec"]["secretName"] for item in rendered if item["kind"] == "Certificate"}
    signing = {item["spec"]["ca"]["secretName"] for item in rendered if "ca" in item.get("spec", {})}
    assert len(signing) == 1
    assert signing < secrets
