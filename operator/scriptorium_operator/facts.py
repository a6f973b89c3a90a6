"""What the operator knows of the world, as values: gateways read them, decisions and builders take them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from scriptorium_api.env import ValueRef
from scriptorium_api.values import frozen

#: A raw object, as the API server takes and gives it.
Manifest = dict[str, Any]

COMPILED: Final = "Compiled"
READY: Final = "Ready"
SECRETS_PENDING: Final = "SecretsPending"
SANDBOX_RELAXED: Final = "SandboxRelaxed"
SUSPENDED: Final = "Suspended"
SCRIPT_FOUND: Final = "ScriptFound"


class Kind(StrEnum):
    """The kinds that the operator follows."""

    SCRIPT = "Script"
    EXECUTION = "ScriptExecution"
    CRON_SCRIPT = "CronScript"
    ENDPOINT = "Endpoint"
    RUNNER_POOL = "RunnerPool"
    CONFIG_MAP = "ConfigMap"
    NAMESPACE = "Namespace"
    DEPLOYMENT = "Deployment"
    SERVICE = "Service"
    SERVICE_ACCOUNT = "ServiceAccount"
    ROLE_BINDING = "RoleBinding"
    NETWORK_POLICY = "NetworkPolicy"
    JOB = "Job"
    CRON_JOB = "CronJob"
    INGRESS = "Ingress"
    DISRUPTION_BUDGET = "PodDisruptionBudget"


#: What a namespace has a pool for, beside runs.
POOL_USERS: Final = (Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.ENDPOINT)

#: What a pool owns; a change of any of these makes us look at the pool again.
POOL_PARTS: Final = (
    Kind.DEPLOYMENT,
    Kind.SERVICE,
    Kind.SERVICE_ACCOUNT,
    Kind.ROLE_BINDING,
    Kind.NETWORK_POLICY,
    Kind.DISRUPTION_BUDGET,
)

#: Of these a pool may have none: one that it no longer should have is removed.
OPTIONAL_POOL_PARTS: Final = (Kind.NETWORK_POLICY, Kind.DISRUPTION_BUDGET)


@frozen
class Key:
    """Which object: what work is named by. The key of a namespace has no namespace."""

    kind: Kind
    namespace: str
    name: str


@frozen
class Controller:
    """Whose an object is: it is collected when that one goes."""

    kind: str
    name: str
    uid: str


@frozen(kw_only=True)
class EndedRun:
    """A ScriptExecution that has ended, as far as its removal and its Script's events ask."""

    key: Key
    uid: str
    script: str
    """The Script's name; empty for a run with a source of its own."""
    phase: str
    reason: str
    message: str
    ended: datetime
    ttl_seconds: int | None
    size: int
    """Bytes of its JSON."""
    cron_script: str = ""
    """The name of the CronScript that it belongs to, if it does: that one says how many are kept."""
    slot: datetime | None = None
    """The slot of the CronScript that it is the run of."""
    kept_until: datetime | None = None
    """It is remembered until then, whatever the limits say: so long it keeps another from being made."""

    @property
    def is_success(self) -> bool:
        """Say whether it succeeded."""
        return self.phase == "Succeeded"


@frozen
class OwnPod:
    """What is known at once of a run that has a pod of its own."""

    script: str
    """The Script's name; empty for a run with a source of its own."""


@frozen
class Problem:
    """What keeps an object from its work, as a condition says it."""

    reason: str
    message: str


@frozen
class ConfigMapContent:
    """What a ConfigMap holds, as far as a source can come from it."""

    texts: Mapping[str, str]
    binary_keys: frozenset[str] = frozenset()


@frozen(kw_only=True)
class Tenant:
    """A namespace, as scripts know it."""

    id: str
    name: str
    labels: Mapping[str, str]


@frozen
class Address:
    """Where the API server listens, or did."""

    ip: str
    port: int
    is_former: bool = False
    """It is not told any more: the control plane is restarted there, or gone."""


@frozen(kw_only=True)
class RunnerCounts:
    """What a pool's Deployment tells of its pods."""

    pods: int = 0
    ready: int = 0
    updated: int = 0
    is_observed: bool = False
    """Whether the counts speak of the Deployment's present spec."""
    trouble: tuple[str, str] | None = None
    """The reason and message of why pods cannot be made or do not start, in the platform's words."""


@frozen
class Trouble:
    """Why a pod is not there or has failed, in the platform's words."""

    reason: str
    message: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.message else self.reason


@frozen(kw_only=True)
class RunPod:
    """What there is of the Job of one attempt of a run, and of its pod."""

    job_uid: str | None
    """None if the Job is gone and only its pod is left."""
    is_over: bool
    """Nothing of it runs, or ever will."""
    trouble: Trouble | None
    is_running: bool = False
    """A container of it runs: what it is at work for, it will say itself."""


@frozen
class PoolValues:
    """What a pool's pods get of the values that Scripts name."""

    mounted: tuple[ValueRef, ...] = ()
    """In an order of its own: the same values are mounted in the same way."""
    problem: str = ""
    """Why there is no room for others, and the cure."""


@frozen
class SyntaxFault:
    """Why a source is not JavaScript, and where."""

    message: str
    line: int | None = None
    column: int | None = None


@frozen(kw_only=True)
class Load:
    """What the work queue holds at this moment."""

    waiting: int
    busy: int
    failing: int
    """Of these the last attempt failed; each waits for the next one, or is in it."""


@frozen
class Certificate:
    """A certificate that a replica shows, or another one did."""

    pem: str
    holder: str
    """The pod that made it; only there is its key."""
    expires: datetime


@frozen(kw_only=True)
class WebhookConfiguration:
    """By which certificates the API server knows us, as one of its webhook configurations says."""

    kind: str
    version: str
    bundles: Mapping[str, tuple[Certificate, ...]]
    """The certificates of ours of each webhook in it, by its name."""


@frozen
class LeaseState:
    """The Lease of the operator's replicas, as it was read."""

    holder: str
    version: str
