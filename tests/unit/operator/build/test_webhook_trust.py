import base64

from scriptorium_operator.build.webhook_trust import build_webhook_trust
from scriptorium_operator.facts import Certificate, WebhookConfiguration
from tests.unit.operator.fakes import NOW


def test_only_the_bundles_are_ours_and_only_as_they_were_read() -> None:
    former = WebhookConfiguration(kind="MutatingWebhookConfiguration", version="7", bundles={"a.b.c": ()})
    bundle = (Certificate("one\n", "x", NOW), Certificate("two\n", "y", NOW))
    assert build_webhook_trust(former, bundle) == {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "scriptorium", "resourceVersion": "7"},
        "webhooks": [
            {"name": "a.b.c", "clientConfig": {"caBundle": base64.b64encode(b"one\ntwo\n").decode()}}
        ],
    }
