"""What an installation can choose: read once from the environment, refused at start if it makes no sense."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from scriptorium_api import ceilings, http_rules
from scriptorium_api.http_rules import HttpRules, RuleUnfit
from scriptorium_operator.endpoint_settings import EndpointSettings, read_endpoint_settings
from scriptorium_operator.errors import SettingInvalid

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")

#: As the runners' environment says it.
_SWITCHED_OFF = ("SCRIPTS_ENABLED", "false")


@dataclass(frozen=True, kw_only=True)
class RunnerSettings:
    """What every runner Deployment has in common."""

    image: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    priority_class: str | None = None
    has_network_policy: bool = True
    metrics_from: tuple[str, ...] = ()
    """Namespaces whose pods may read the runners' metrics."""
    sandbox: tuple[tuple[str, str], ...] = ()
    """What the platform says of all scripts, as the runners' environment says it."""
    http: HttpRules = field(default_factory=HttpRules)
    """What the platform says of the requests of scripts."""
    endpoints: EndpointSettings = field(default_factory=EndpointSettings)
    """What the platform says of the requests to scripts."""
    requires_landlock: bool = True
    """Whether a node without Landlock refuses to run scripts, the operator's syntax checks among them."""

    @property
    def runs_scripts(self) -> bool:
        """Say whether runners start any script."""
        return _SWITCHED_OFF not in self.sandbox


class CertificateSource(StrEnum):
    """Where the certificate for the API server comes from."""

    OWN = "own"
    MOUNTED = "mounted"


@dataclass(frozen=True, kw_only=True)
class WebhookSettings:
    """How the API server's questions are answered."""

    certificates: CertificateSource = CertificateSource.OWN
    service: str = "scriptorium-webhook"
    """The Service by which the API server comes; it is in the operator's namespace."""
    port: int = 9443
    folder: Path = Path("/etc/scriptorium/webhook")
    """Where a mounted certificate is."""
    lifetime: timedelta = timedelta(days=1)
    """How long a certificate of our own is valid; after a third of it the next one is made."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this operator behaves."""

    runner: RunnerSettings
    organization_label: str = "scriptorium.dev/organization"
    """The label of a namespace that holds its organization's id."""
    pool_idle: timedelta = timedelta(minutes=10)
    """How long a pool that we made stays after the last Script and unfinished run."""
    sweep_every: timedelta = timedelta(seconds=30)
    watch_silence: timedelta = timedelta(seconds=70)
    """How long a watch may be silent until it is begun anew: it may be dead."""
    workers: int = 8
    """How many objects are brought up to date at once."""
    syntax_workers: int = 2
    health_port: int = 8080
    namespace: str = "scriptorium-system"
    """Where the replicas' Lease is."""
    pod: str = "operator"
    webhooks: WebhookSettings | None = None
    """None where nobody asks: outside of a cluster, or switched off."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Give the settings; raises SettingInvalid with the name of the first one that is wrong."""
    return Settings(
        runner=_read_runner(environment),
        organization_label=environment.get("SCRIPTORIUM_ORGANIZATION_LABEL") or Settings.organization_label,
        pool_idle=_read_seconds(environment, "SCRIPTORIUM_POOL_IDLE_SECONDS", Settings.pool_idle),
        sweep_every=_read_seconds(environment, "SCRIPTORIUM_SWEEP_SECONDS", Settings.sweep_every),
        watch_silence=_read_seconds(environment, "SCRIPTORIUM_WATCH_SILENCE_SECONDS", Settings.watch_silence),
        workers=_read_number(environment, "SCRIPTORIUM_WORKERS", Settings.workers, 100),
        syntax_workers=_read_number(environment, "SCRIPTORIUM_SYNTAX_WORKERS", Settings.syntax_workers, 16),
        health_port=_read_number(environment, "SCRIPTORIUM_HEALTH_PORT", Settings.health_port, 65535),
        namespace=environment.get("POD_NAMESPACE") or Settings.namespace,
        pod=environment.get("POD_NAME") or Settings.pod,
        webhooks=_read_webhooks(environment),
    )


def _read_webhooks(environment: Mapping[str, str]) -> WebhookSettings | None:
    source = _read_choice(environment, "SCRIPTORIUM_WEBHOOKS", "off", ("off", *CertificateSource))
    if source == "off":
        return None
    return WebhookSettings(
        certificates=CertificateSource(source),
        port=_read_number(environment, "SCRIPTORIUM_WEBHOOK_PORT", WebhookSettings.port, 65535),
        folder=Path(environment.get("SCRIPTORIUM_WEBHOOK_FOLDER") or WebhookSettings.folder),
        lifetime=_read_lifetime(environment),
    )


def _read_lifetime(environment: Mapping[str, str]) -> timedelta:
    name = "SCRIPTORIUM_WEBHOOK_CERTIFICATE_SECONDS"
    lifetime = _read_seconds(environment, name, WebhookSettings.lifetime)
    # A new one is made after a third, and shown half a minute later at the earliest.
    if lifetime < timedelta(seconds=90):
        raise SettingInvalid(name, "at least 90 seconds")
    return lifetime


def _read_runner(environment: Mapping[str, str]) -> RunnerSettings:
    image = environment.get("SCRIPTORIUM_IMAGE", "")
    if not image or " " in image:
        raise SettingInvalid(
            "SCRIPTORIUM_IMAGE", "the runner's container image, such as example.org/name:1.0"
        )
    return RunnerSettings(
        image=image,
        pull_policy=_read_choice(
            environment, "SCRIPTORIUM_IMAGE_PULL_POLICY", RunnerSettings.pull_policy, _PULL_POLICIES
        ),
        pull_secrets=_read_names(environment, "SCRIPTORIUM_IMAGE_PULL_SECRETS"),
        priority_class=environment.get("SCRIPTORIUM_RUNNER_PRIORITY_CLASS") or None,
        has_network_policy=_read_choice(environment, "SCRIPTORIUM_NETWORK_POLICY", "true", ("true", "false"))
        == "true",
        metrics_from=_read_names(environment, "SCRIPTORIUM_METRICS_FROM"),
        sandbox=_read_sandbox(environment),
        http=_read_http(environment),
        endpoints=read_endpoint_settings(environment),
        requires_landlock=_read_choice(environment, "SCRIPTORIUM_REQUIRE_LANDLOCK", "true", ("true", "false"))
        == "true",
    )


def _read_sandbox(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Take what differs from the runners' own defaults: whatever changes here replaces all their pods."""
    if unfit := ceilings.find_unfit(environment):
        raise SettingInvalid(unfit.variable, unfit.expectation)
    is_enabled = _read_choice(environment, "SCRIPTS_ENABLED", "true", ("true", "false")) == "true"
    most = tuple(
        (each.variable, environment[each.variable])
        for each in ceilings.CEILINGS
        if int(environment.get(each.variable, each.most)) < each.most
    )
    return most if is_enabled else (_SWITCHED_OFF, *most)


def _read_http(environment: Mapping[str, str]) -> HttpRules:
    try:
        rules = http_rules.read_http_rules(environment)
    except RuleUnfit as unfit:
        raise SettingInvalid(unfit.variable, unfit.expectation) from unfit
    if rules.proxy and "@" in rules.proxy:
        raise SettingInvalid(
            http_rules.PROXY,
            "http://host:port without user and password, which every namespace's Deployment would show",
        )
    return rules


def _read_names(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())


def _read_choice(environment: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = environment.get(name) or default
    if value not in choices:
        raise SettingInvalid(name, "one of " + ", ".join(choices))
    return value


def _read_seconds(environment: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    text = environment.get(name) or str(default.total_seconds())
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    # A day is more than anybody needs, and keeps "infinity" and "not a number" out.
    if not 0 < seconds <= 86_400:
        raise SettingInvalid(name, "a number of seconds above 0 and at most 86400")
    return timedelta(seconds=seconds)


def _read_number(environment: Mapping[str, str], name: str, default: int, maximum: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= maximum:
        raise SettingInvalid(name, f"a whole number from 1 to {maximum}")
    return int(text)
