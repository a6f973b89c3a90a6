"""What the environment says of a pool's runner, which the pod of one run has no use for."""

import os
from collections.abc import Mapping

from scriptorium_api import address_ranges
from scriptorium_api.address_ranges import Network
from scriptorium_api.execution import Holder
from scriptorium_api.names import DEFAULT_POOL
from scriptorium_api.values import frozen
from scriptorium_runner import settings
from scriptorium_runner.endpoints.listening import Patience, PublicSettings
from scriptorium_runner.engine import EngineSettings
from scriptorium_runner.errors import SettingError
from scriptorium_runner.executions.ceilings import Ceilings
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.host.http.settings import HttpSettings


@frozen(kw_only=True)
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


def read_pool_settings(environment: Mapping[str, str] = os.environ) -> PoolSettings:
    """Read the settings of a pool's runner; raises SettingError."""
    workers = settings.read_number(environment, "SCRIPT_VM_POOL_SIZE", 10, 1, 100)
    return PoolSettings(
        pool=environment.get("SCRIPTORIUM_POOL", DEFAULT_POOL),
        namespace=settings.read_required(environment, "POD_NAMESPACE"),
        holder=settings.read_holder(environment),
        tenant=settings.read_tenant(environment),
        workers=workers,
        engine=read_engine_settings(environment, workers),
        ceilings=settings.read_ceilings(environment),
        http=settings.read_pod_http(environment),
        is_enabled=settings.read_switch(environment, "SCRIPTS_ENABLED", default=True),
        health_port=settings.read_number(environment, "SCRIPTORIUM_HEALTH_PORT", 8081, 0, 65535),
        internal_port=settings.read_number(environment, "SCRIPTORIUM_INTERNAL_PORT", 8082, 0, 65535),
        drain_seconds=settings.read_number(environment, "SCRIPTORIUM_DRAIN_SECONDS", 30, 0, 3600),
        public=_read_public_settings(environment),
        http_queue=settings.read_number(environment, "SCRIPTORIUM_HTTP_QUEUE", 512, 0, 10_000),
        grace_seconds=settings.read_number(environment, "SCRIPTORIUM_HTTP_GRACE_SECONDS", 5, 0, 600),
    )


def _read_public_settings(environment: Mapping[str, str]) -> PublicSettings:
    """Read how requests are taken; raises SettingError."""
    return PublicSettings(
        port=settings.read_number(environment, "SCRIPTORIUM_HTTP_PORT", 8080, 0, 65535),
        proxies=_read_proxies(environment),
        most_connections=settings.read_number(environment, "SCRIPTORIUM_HTTP_CONNECTIONS", 2048, 16, 100_000),
        patience=Patience(
            head=settings.read_number(environment, "SCRIPTORIUM_HTTP_HEAD_SECONDS", 10, 1, 600),
            stall=settings.read_number(environment, "SCRIPTORIUM_HTTP_STALL_SECONDS", 10, 1, 600),
            body=settings.read_number(environment, "SCRIPTORIUM_HTTP_BODY_SECONDS", 60, 1, 3600),
            idle=settings.read_number(environment, "SCRIPTORIUM_HTTP_IDLE_SECONDS", 620, 1, 3600),
        ),
    )


def _read_proxies(environment: Mapping[str, str]) -> tuple[Network, ...]:
    try:
        return address_ranges.read_networks(environment.get("SCRIPTORIUM_TRUSTED_PROXIES", ""))
    except ValueError as error:
        raise SettingError(
            f"SCRIPTORIUM_TRUSTED_PROXIES must be addresses or ranges with commas between: {error}"
        ) from error


def read_engine_settings(environment: Mapping[str, str], workers: int) -> EngineSettings:
    """Read how the sandbox's workers are kept; raises SettingError."""
    return EngineSettings(
        pool_size=workers,
        initial_workers=settings.read_number(environment, "SCRIPT_VM_POOL_INITIAL", 10, 1, 100),
        spare_workers=settings.read_number(environment, "SCRIPT_VM_POOL_SPARE", 2, 0, 100),
        kept_workers=settings.read_number(environment, "SCRIPT_VM_POOL_KEPT", 20, 0, 100),
        idle_seconds=settings.read_number(environment, "SCRIPT_VM_POOL_IDLE_MS", 300_000, 1000, 86_400_000)
        / 1000,
        acquire_seconds=settings.read_number(environment, "SCRIPT_ACQUIRE_TIMEOUT_MS", 30_000, 100, 600_000)
        / 1000,
        http_acquire_seconds=settings.read_number(
            environment, "SCRIPT_HTTP_ACQUIRE_TIMEOUT_MS", 2000, 10, 60_000
        )
        / 1000,
        script_share=settings.read_number(environment, "SCRIPT_SHARE_PERCENT", 50, 1, 100) / 100,
        http_reserve=settings.read_number(environment, "SCRIPT_HTTP_RESERVE_PERCENT", 50, 0, 90) / 100,
        memory_part=settings.read_number(environment, "SCRIPT_MEMORY_PERCENT", 90, 50, 99) / 100,
        cache_size=settings.read_number(environment, "SCRIPT_CACHE_SIZE", 1000, 0, 100_000),
        seal=settings.read_seal(environment),
    )
