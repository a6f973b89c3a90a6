"""What the environment says; a bad value is refused at start, with its name."""

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from scriptorium_api import address_ranges, ceilings, http_rules
from scriptorium_api.address_ranges import Network
from scriptorium_api.execution import Holder
from scriptorium_api.http_rules import RuleUnfit
from scriptorium_api.names import DEFAULT_POOL
from scriptorium_runner.endpoints.listening import Patience, PublicSettings
from scriptorium_runner.engine import EngineSettings, Seal
from scriptorium_runner.engine.seal import layers
from scriptorium_runner.executions.ceilings import Ceilings
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.host.http import gateways
from scriptorium_runner.host.http.settings import HttpSettings


class SettingError(Exception):
    """A setting is missing or wrong; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How `scriptorium-runner pool` works."""

    pool: str
    namespace: str
    holder: Holder
    tenant: Tenant
    workers: int
    engine: EngineSettings
    ceilings: Ceilings
    http: HttpSettings
    is_enabled: bool
    """Whether scripts run at all."""
    health_port: int
    internal_port: int
    """Where Scripts are called from inside the cluster."""
    drain_seconds: int
    public: PublicSettings
    http_queue: int
    """How many requests may wait for their script."""
    grace_seconds: int
    """How long a runner that is told to stop still takes new requests: until nobody sends it any more."""


@dataclass(frozen=True, slots=True)
class AttemptWork:
    """One attempt of one execution."""

    execution: str
    uid: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SlotWork:
    """What a Job of a CronScript is there for: its slot, or a run by hand."""

    cron_script: str
    uid: str
    job: str
    schedule: str | None = None
    """By which schedule and in which zone the CronJob fires: the CronScript may have been edited since."""
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
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


def read_pool_settings(environment: Mapping[str, str] = os.environ) -> PoolSettings:
    """Read the settings of a pool's runner; raises SettingError."""
    workers = read_number(environment, "SCRIPT_VM_POOL_SIZE", 10, 1, 100)
    return PoolSettings(
        pool=environment.get("SCRIPTORIUM_POOL", DEFAULT_POOL),
        namespace=_required(environment, "POD_NAMESPACE"),
        holder=_read_holder(environment),
        tenant=_read_tenant(environment),
        workers=workers,
        engine=read_engine_settings(environment, workers),
        ceilings=read_ceilings(environment),
        http=_read_pod_http(environment),
        is_enabled=read_switch(environment, "SCRIPTS_ENABLED", default=True),
        health_port=read_number(environment, "SCRIPTORIUM_HEALTH_PORT", 8081, 0, 65535),
        internal_port=read_number(environment, "SCRIPTORIUM_INTERNAL_PORT", 8082, 0, 65535),
        drain_seconds=read_number(environment, "SCRIPTORIUM_DRAIN_SECONDS", 30, 0, 3600),
        public=_read_public_settings(environment),
        http_queue=read_number(environment, "SCRIPTORIUM_HTTP_QUEUE", 512, 0, 10_000),
        grace_seconds=read_number(environment, "SCRIPTORIUM_HTTP_GRACE_SECONDS", 5, 0, 600),
    )


def _read_public_settings(environment: Mapping[str, str]) -> PublicSettings:
    """Read how requests are taken; raises SettingError."""
    return PublicSettings(
        port=read_number(environment, "SCRIPTORIUM_HTTP_PORT", 8080, 0, 65535),
        proxies=_read_proxies(environment),
        most_connections=read_number(environment, "SCRIPTORIUM_HTTP_CONNECTIONS", 2048, 16, 100_000),
        patience=Patience(
            head=read_number(environment, "SCRIPTORIUM_HTTP_HEAD_SECONDS", 10, 1, 600),
            stall=read_number(environment, "SCRIPTORIUM_HTTP_STALL_SECONDS", 10, 1, 600),
            body=read_number(environment, "SCRIPTORIUM_HTTP_BODY_SECONDS", 60, 1, 3600),
            idle=read_number(environment, "SCRIPTORIUM_HTTP_IDLE_SECONDS", 620, 1, 3600),
        ),
    )


def _read_proxies(environment: Mapping[str, str]) -> tuple[Network, ...]:
    try:
        return address_ranges.read_networks(environment.get("SCRIPTORIUM_TRUSTED_PROXIES", ""))
    except ValueError as error:
        raise SettingError(
            f"SCRIPTORIUM_TRUSTED_PROXIES must be addresses or ranges with commas between: {error}"
        ) from error


def read_run_settings(environment: Mapping[str, str] = os.environ) -> RunSettings:
    """Read the settings of a run's own pod; raises SettingError."""
    return RunSettings(
        namespace=_required(environment, "POD_NAMESPACE"),
        holder=_read_holder(environment),
        tenant=_read_tenant(environment),
        work=_read_work(environment),
        ceilings=read_ceilings(environment),
        http=_read_pod_http(environment),
        is_enabled=read_switch(environment, "SCRIPTS_ENABLED", default=True),
        drain_seconds=read_number(environment, "SCRIPTORIUM_DRAIN_SECONDS", 30, 0, 3600),
        seal=read_seal(environment),
    )


def _read_work(environment: Mapping[str, str]) -> AttemptWork | SlotWork:
    if "SCRIPTORIUM_CRON_SCRIPT" in environment:
        return SlotWork(
            cron_script=_required(environment, "SCRIPTORIUM_CRON_SCRIPT"),
            uid=_required(environment, "SCRIPTORIUM_CRON_SCRIPT_UID"),
            job=_required(environment, "SCRIPTORIUM_JOB"),
            schedule=environment.get("SCRIPTORIUM_CRON_SCHEDULE") or None,
            time_zone=environment.get("SCRIPTORIUM_CRON_TIME_ZONE") or None,
        )
    return AttemptWork(
        execution=_required(environment, "SCRIPTORIUM_EXECUTION"),
        uid=_required(environment, "SCRIPTORIUM_EXECUTION_UID"),
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


def _read_pod_http(environment: Mapping[str, str]) -> HttpSettings:
    """Read it in a pod, where nothing goes out before node and API server are known to be out of bounds."""
    for name in (http_rules.NODE_ADDRESSES, http_rules.DENIED_ADDRESSES):
        _required(environment, name)
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


def read_engine_settings(environment: Mapping[str, str], workers: int) -> EngineSettings:
    """Read how the sandbox's workers are kept; raises SettingError."""
    return EngineSettings(
        pool_size=workers,
        initial_workers=read_number(environment, "SCRIPT_VM_POOL_INITIAL", 10, 1, 100),
        spare_workers=read_number(environment, "SCRIPT_VM_POOL_SPARE", 2, 0, 100),
        kept_workers=read_number(environment, "SCRIPT_VM_POOL_KEPT", 20, 0, 100),
        idle_seconds=read_number(environment, "SCRIPT_VM_POOL_IDLE_MS", 300_000, 1000, 86_400_000) / 1000,
        acquire_seconds=read_number(environment, "SCRIPT_ACQUIRE_TIMEOUT_MS", 30_000, 100, 600_000) / 1000,
        http_acquire_seconds=read_number(environment, "SCRIPT_HTTP_ACQUIRE_TIMEOUT_MS", 2000, 10, 60_000)
        / 1000,
        script_share=read_number(environment, "SCRIPT_SHARE_PERCENT", 50, 1, 100) / 100,
        http_reserve=read_number(environment, "SCRIPT_HTTP_RESERVE_PERCENT", 50, 0, 90) / 100,
        memory_part=read_number(environment, "SCRIPT_MEMORY_PERCENT", 90, 50, 99) / 100,
        cache_size=read_number(environment, "SCRIPT_CACHE_SIZE", 1000, 0, 100_000),
        seal=read_seal(environment),
    )


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


def _read_holder(environment: Mapping[str, str]) -> Holder:
    return Holder(
        pod=_required(environment, "POD_NAME"),
        uid=_required(environment, "POD_UID"),
        # A restarted container keeps its pod's UID; this tells its claims from the former one's.
        start_id=secrets.token_hex(4),
    )


def _read_tenant(environment: Mapping[str, str]) -> Tenant:
    return Tenant(
        id=_required(environment, "SCRIPTORIUM_TENANT_ID"),
        name=environment.get("SCRIPTORIUM_TENANT_NAME", "") or _required(environment, "POD_NAMESPACE"),
        organization_id=environment.get("SCRIPTORIUM_ORGANIZATION_ID") or None,
    )


def read_seal(environment: Mapping[str, str] = os.environ) -> Seal:
    """Read what the sandbox must not do without; raises SettingError."""
    text = environment.get(layers.REQUIRE_LANDLOCK)
    seal = layers.find_seal(text)
    if seal is None:
        raise SettingError(f"{layers.REQUIRE_LANDLOCK} must be true or false, not {text!r}")
    return seal


def read_termination_log(environment: Mapping[str, str] = os.environ) -> Path:
    """Read where Kubernetes looks for the words of a container that ended."""
    return Path(environment.get("SCRIPTORIUM_TERMINATION_LOG") or "/dev/termination-log")


def read_number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """Read a whole number within bounds; raises SettingError."""
    text = environment.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def _required(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name, ""):
        return value
    raise SettingError(f"{name} is not set; the operator sets it on the runner's pods")
