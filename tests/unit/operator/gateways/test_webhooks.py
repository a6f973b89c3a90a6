import base64

from scriptorium_operator.gateways.webhooks import read_configuration
from tests.unit.operator.gateways.test_certificates import make_identity


def test_a_configuration_tells_by_which_certificates_we_are_known() -> None:
    made = make_identity().certificate
    bundle = base64.b64encode(made.pem.encode()).decode()
    found = read_configuration(
        {
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "scriptorium", "resourceVersion": "7"},
            "webhooks": [
                {"name": "one", "clientConfig": {"caBundle": bundle}},
                {"name": "two", "clientConfig": {}},
                {"name": "three", "clientConfig": {"caBundle": "x"}},
            ],
        }
    )
    assert (found.kind, found.version) == ("ValidatingWebhookConfiguration", "7")
    assert found.bundles == {"one": (made,), "two": (), "three": ()}


def test_a_configuration_without_webhooks_has_no_bundle() -> None:
    empty = {"kind": "MutatingWebhookConfiguration", "metadata": {"resourceVersion": "1"}}
    assert read_configuration(empty).bundles == {}
