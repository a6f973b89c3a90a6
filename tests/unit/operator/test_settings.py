from datetime import timedelta
from pathlib import Path

import pytest

from scriptorium_operator.errors import SettingInvalid
from scriptorium_operator.settings import CertificateSource, WebhookSettings, read_settings

IMAGE = {"SCRIPTORIUM_IMAGE": "example.org/scriptorium:1"}


def test_an_image_is_all_that_must_be_set() -> None:
    settings = read_settings(IMAGE)
    assert settings.runner.image == "example.org/scriptorium:1"
    assert settings.pool_idle == timedelta(minutes=10)
    assert settings.sweep_every == timedelta(seconds=30)
    assert settings.watch_silence == timedelta(seconds=70)
    assert settings.health_port == 8080
    assert settings.runner.has_network_policy


def test_landlock_is_required_until_somebody_says_otherwise() -> None:
    assert read_settings(IMAGE).runner.requires_landlock
    assert not read_settings(IMAGE | {"SCRIPTORIUM_REQUIRE_LANDLOCK": "false"}).runner.requires_landlock
    with pytest.raises(SettingInvalid, match="SCRIPTORIUM_REQUIRE_LANDLOCK must be one of true, false"):
        read_settings(IMAGE | {"SCRIPTORIUM_REQUIRE_LANDLOCK": "maybe"})


def test_empty_means_the_default_since_a_chart_sets_every_variable() -> None:
    empty = {
        "SCRIPTORIUM_IMAGE_PULL_SECRETS": "",
        "SCRIPTORIUM_RUNNER_PRIORITY_CLASS": "",
        "SCRIPTORIUM_ORGANIZATION_LABEL": "",
        "SCRIPTORIUM_METRICS_FROM": "",
        "SCRIPTORIUM_INGRESS_CLASS": "",
        "SCRIPTORIUM_ALLOWED_HOSTS": "{}",
        "SCRIPTORIUM_ENDPOINTS_FROM": "",
        "SCRIPTORIUM_ENDPOINTS_FROM_CIDRS": "",
        "SCRIPTORIUM_TRUSTED_PROXIES": "",
    }
    assert read_settings(IMAGE | empty) == read_settings(IMAGE)


def test_lists_are_separated_by_commas() -> None:
    settings = read_settings(IMAGE | {"SCRIPTORIUM_METRICS_FROM": "monitoring, ops"})
    assert settings.runner.metrics_from == ("monitoring", "ops")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCRIPTORIUM_IMAGE", ""),
        ("SCRIPTORIUM_IMAGE", "two words"),
        ("SCRIPTORIUM_IMAGE_PULL_POLICY", "Sometimes"),
        ("SCRIPTORIUM_POOL_IDLE_SECONDS", "0"),
        ("SCRIPTORIUM_POOL_IDLE_SECONDS", "soon"),
        ("SCRIPTORIUM_POOL_IDLE_SECONDS", "nan"),
        ("SCRIPTORIUM_SWEEP_SECONDS", "inf"),
        ("SCRIPTORIUM_WATCH_SILENCE_SECONDS", "-1"),
        ("SCRIPTORIUM_HEALTH_PORT", "70000"),
        ("SCRIPTORIUM_HEALTH_PORT", "-1"),
        ("SCRIPTORIUM_NETWORK_POLICY", "yes"),
        ("SCRIPTORIUM_ALLOWED_HOSTS", "shop.example.com"),
        ("SCRIPTORIUM_ALLOWED_HOSTS", '["shop.example.com"]'),
        ("SCRIPTORIUM_ALLOWED_HOSTS", '{"team": "shop.example.com"}'),
        ("SCRIPTORIUM_ALLOWED_HOSTS", '{"team": [7]}'),
        ("SCRIPTORIUM_ALLOWED_HOSTS", '{"Team": ["*"]}'),
        ("SCRIPTORIUM_ALLOWED_HOSTS", '{"team": ["*shop.example.com"]}'),
        ("SCRIPTORIUM_ENDPOINTS_FROM_CIDRS", "everywhere"),
        ("SCRIPTORIUM_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("SCRIPTORIUM_WORKERS", "0"),
        ("SCRIPTORIUM_WEBHOOKS", "on"),
        ("SCRIPTORIUM_SYNTAX_WORKERS", "many"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=f"^{name} must be") as refusal:
        read_settings(IMAGE | {name: value})
    assert refusal.value.name == name


def test_nobody_asks_an_operator_that_is_not_told_so() -> None:
    assert read_settings(IMAGE).webhooks is None
    assert read_settings(IMAGE | {"SCRIPTORIUM_WEBHOOKS": "off"}).webhooks is None


def test_a_certificate_is_made_or_mounted() -> None:
    own = read_settings(IMAGE | {"SCRIPTORIUM_WEBHOOKS": "own"}).webhooks
    assert own == WebhookSettings(certificates=CertificateSource.OWN, lifetime=timedelta(days=1))
    mounted = read_settings(
        IMAGE
        | {
            "SCRIPTORIUM_WEBHOOKS": "mounted",
            "SCRIPTORIUM_WEBHOOK_FOLDER": "/certificates",
            "SCRIPTORIUM_WEBHOOK_PORT": "8443",
        }
    ).webhooks
    assert mounted == WebhookSettings(
        certificates=CertificateSource.MOUNTED, folder=Path("/certificates"), port=8443
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCRIPTORIUM_WEBHOOK_PORT", "0"),
        ("SCRIPTORIUM_WEBHOOK_CERTIFICATE_SECONDS", "89"),
        ("SCRIPTORIUM_WEBHOOK_CERTIFICATE_SECONDS", "86401"),
    ],
)
def test_a_webhook_setting_that_makes_no_sense_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=f"^{name} must be"):
        read_settings(IMAGE | {"SCRIPTORIUM_WEBHOOKS": "own", name: value})


def test_what_the_platform_allows_scripts_is_handed_to_the_runners() -> None:
    found = read_settings(
        IMAGE | {"SCRIPTS_ENABLED": "false", "SCRIPT_TIMEOUT_MS": "30000", "SCRIPT_MAX_MEMORY_MB": "1024"}
    )
    assert found.runner.sandbox == (("SCRIPTS_ENABLED", "false"), ("SCRIPT_TIMEOUT_MS", "30000"))


@pytest.mark.parametrize(
    ("name", "text"), [("SCRIPTS_ENABLED", "no"), ("SCRIPT_TIMEOUT_MS", "0"), ("SCRIPT_MAX_MEMORY_MB", "1Gi")]
)
def test_a_ceiling_that_makes_no_sense_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        read_settings(IMAGE | {name: text})


def test_what_the_platform_says_of_http_is_handed_to_the_runners() -> None:
    found = read_settings(IMAGE | {"SCRIPTORIUM_HTTP_PRIVATE_CIDRS": "10.0.0.0/8"}).runner.http
    assert [str(each) for each in found.private] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SCRIPTORIUM_HTTP_PRIVATE_CIDRS", "8.8.8.0/24"),
        ("SCRIPTORIUM_HTTP_PRIVATE_CIDRS", "10.0.0.1/8"),
        ("SCRIPTORIUM_HTTP_DENIED_ADDRESSES", "node-1"),
        ("SCRIPTORIUM_HTTP_PROXY", "proxy:3128"),
        ("SCRIPTORIUM_HTTP_PROXY", "http://ada:secret@proxy.example.com:3128"),
        ("SCRIPTORIUM_HTTP_PROXY_RESOLVES", "yes"),
        ("SCRIPTORIUM_HTTP_CA_BUNDLE", "no certificate"),
    ],
)
def test_a_bad_word_about_http_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(SettingInvalid, match=f"^{name} must be") as refusal:
        read_settings(IMAGE | {name: text})
    assert "secret" not in str(refusal.value)
