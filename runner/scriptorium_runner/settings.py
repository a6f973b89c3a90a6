"""What the environment says of every runner; a bad value is refused at start, with its name."""

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import replace

from scriptorium_api import address_ranges, ceilings, http_rules
from scriptorium_api.address_ranges import Network
from scriptorium_api.execution import Holder
from scriptorium_api.http_rules import RuleUnfit
from scriptorium_api.values import frozen
from scriptorium_runner.engine import Seal
from scriptorium_runner.engine.seal import layers
from scriptorium_runner.errors import SettingError
from scriptorium_runner.executions.ceilings import Ceilings
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.host.http import gateways
from scriptorium_runner.host.http.settings import HttpSettings


@frozen
class AttemptWork:
    """One attempt of one execution."""

    execution: str
    uid: str
    attempt: int


@frozen
class SlotWork:
    """What a Job of a CronScript is there for: its slot, or a run by hand."""

    cron_script: str
    uid: str
    job: str
    schedule: str | None = None
    """By which schedule and in which zone the CronJob fires: the CronScript may have been edited since."""
    time_zone: str | None = None


@frozen(kw_only=True)
class RunSettings:
    """How `scriptorium-runner run` works, and what it is there for."""

    namespace: str
    holder: Holder
    tenant: Tenant
    work: AttemptWork | SlotWork
    ceilings: Ceilings
    http: HttpSettings
    is_enabled: bool
    drain_seconds: int
    seal: Seal


def read_run_settings(environment: Mapping[str, str] = os.environ) -> RunSettings:
    """Read the settings of a run's own pod; raises SettingError."""
    return RunSettings(
        namespace=read_required(environment, "POD_NAMESPACE"),
        holder=read_holder(environment),
        tenant=read_tenant(environment),
        work=_read_work(environment),
        ceilings=read_ceilings(environment),
        http=read_pod_http(environment),
        is_enabled=read_switch(environment, "SCRIPTS_ENABLED", default=True),
        drain_seconds=read_number(environment, "SCRIPTORIUM_DRAIN_SECONDS", 30, 0, 3600),
        seal=read_seal(environment),
    )


def _read_work(environment: Mapping[str, str]) -> AttemptWork | SlotWork:
    if "SCRIPTORIUM_CRON_SCRIPT" in environment:
        return SlotWork(
            cron_script=read_required(environment, "SCRIPTORIUM_CRON_SCRIPT"),
            uid=read_required(environment, "SCRIPTORIUM_CRON_SCRIPT_UID"),
            job=read_required(environment, "SCRIPTORIUM_JOB"),
            schedule=environment.get("SCRIPTORIUM_CRON_SCHEDULE") or None,
            time_zone=environment.get("SCRIPTORIUM_CRON_TIME_ZONE") or None,
        )
    return AttemptWork(
        execution=read_required(environment, "SCRIPTORIUM_EXECUTION"),
        uid=read_required(environment, "SCRIPTORIUM_EXECUTION_UID"),
        attempt=read_number(environment, "SCRIPTORIUM_ATTEMPT", 1, 1, 1000),
    )


def read_http_settings(environment: Mapping[str, str] = os.environ) -> HttpSettings:
    """Read what the platform says of the requests of scripts; raises SettingError."""
    try:
        rules = http_rules.read_http_rules(environment)
    except RuleUnfit as unfit:
        raise SettingError(str(unfit)) from unfit
    return HttpSettings(
        private_networks=rules.private,
        denied_networks=(
            *rules.denied,
            *_read_node(environment, http_rules.NODE_ADDRESSES),
            *_read_api_server(environment),
        ),
        proxy=rules.proxy,
        proxy_resolves=rules.proxy_resolves,
        ca_bundle=rules.ca_bundle,
        max_request_bytes=1024 * read_number(environment, "SCRIPTORIUM_HTTP_REQUEST_KB", 1024, 1, 1024),
        max_response_bytes=1024 * read_number(environment, "SCRIPTORIUM_HTTP_RESPONSE_KB", 2048, 1, 4096),
    )


def read_pod_http(environment: Mapping[str, str]) -> HttpSettings:
    """Read it in a pod, where nothing goes out before node and API server are known to be out of bounds.

    Raises SettingError.
    """
    for name in (http_rules.NODE_ADDRESSES, http_rules.DENIED_ADDRESSES):
        read_required(environment, name)
    found = read_http_settings(environment)
    own = tuple(ipaddress.ip_network(each) for each in gateways.find_gateways())
    return replace(found, denied_networks=(*found.denied_networks, *own))


def _read_node(environment: Mapping[str, str], name: str) -> tuple[Network, ...]:
    """Give the addresses of the node that this pod is on, as the kubelet tells them."""
    try:
        return address_ranges.read_networks(environment.get(name, ""))
    except ValueError as error:
        raise SettingError(f"{name} must be addresses with commas between: {error}") from error


def _read_api_server(environment: Mapping[str, str]) -> tuple[Network, ...]:
    """Give where Kubernetes tells every pod that its API server is; a name says no address."""
    try:
        return address_ranges.read_networks(environment.get("KUBERNETES_SERVICE_HOST", ""))
    except ValueError:
        return ()


def read_ceilings(environment: Mapping[str, str]) -> Ceilings:
    """Read the most that a run may use; raises SettingError."""
    if unfit := ceilings.find_unfit(environment):
        text = environment[unfit.variable]
        raise SettingError(f"{unfit.variable} must be {unfit.expectation}, not {text!r}")
    return Ceilings.read(environment)


def read_switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Read true or false; raises SettingError."""
    text = environment.get(name, str(default).lower())
    if text not in ("true", "false"):
        raise SettingError(f"{name} must be true or false, not {text!r}")
    return text == "true"


def read_holder(environment: Mapping[str, str]) -> Holder:
    """Read who this runner is to others; raises SettingError."""
    return Holder(
        pod=read_required(environment, "POD_NAME"),
        uid=read_required(environment, "POD_UID"),
        # A restarted container keeps its pod's UID; this tells its claims from the former one's.
        start_id=secrets.token_hex(4),
    )


def read_tenant(environment: Mapping[str, str]) -> Tenant:
    """Read whose scripts these are; raises SettingError."""
    return Tenant(
        id=read_required(environment, "SCRIPTORIUM_TENANT_ID"),
        name=environment.get("SCRIPTORIUM_TENANT_NAME", "") or read_required(environment, "POD_NAMESPACE"),
        organization_id=environment.get("SCRIPTORIUM_ORGANIZATION_ID") or None,
    )


def read_seal(environment: Mapping[str, str] = os.environ) -> Seal:
    """Read what the sandbox must not do without; raises SettingError."""
    text = environment.get(layers.REQUIRE_LANDLOCK)
    seal = layers.find_seal(text)
    if seal is None:
        raise SettingError(f"{layers.REQUIRE_LANDLOCK} must be true or false, not {text!r}")
    return seal


def read_number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """Read a whole number within bounds; raises SettingError."""
    text = environment.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def read_required(environment: Mapping[str, str], name: str) -> str:
    """Read what must be there; raises SettingError."""
    if value := environment.get(name, ""):
        return value
    raise SettingError(f"{name} is not set; the operator sets it on the runner's pods")
