"""What lives as long as the operator: handlers and services get it as their first argument."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from scriptorium_operator.endpoint_facts import PoolState
from scriptorium_operator.facts import Kind
from scriptorium_operator.gateways.cluster import Cluster
from scriptorium_operator.gateways.metrics import Metrics
from scriptorium_operator.gateways.syntax import SyntaxChecker
from scriptorium_operator.services.canary import Canary
from scriptorium_operator.services.certificates import Door
from scriptorium_operator.services.cron_runs import CronRuns
from scriptorium_operator.services.endpoint_index import EndpointIndex
from scriptorium_operator.services.fired_jobs import FiredJobs
from scriptorium_operator.services.history import History
from scriptorium_operator.services.inventory import Inventory, References
from scriptorium_operator.services.leadership import Leadership
from scriptorium_operator.services.named_values import NamedValues
from scriptorium_operator.services.outbox import Outbox
from scriptorium_operator.services.script_users import ScriptUsers
from scriptorium_operator.services.supervision import Supervisor
from scriptorium_operator.services.waiting_pods import WaitingPods
from scriptorium_operator.services.work import Work
from scriptorium_operator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Context:
    """The operator's settings, gateways and memory."""

    settings: Settings
    cluster: Cluster
    syntax: SyntaxChecker
    leadership: Leadership
    work: Work
    now: Callable[[], datetime]
    """The time in UTC, in whole seconds, as Kubernetes writes it."""
    chance: Callable[[], float] = lambda: 0.0
    """A number from 0 to 1; spreads retries."""
    door: Door | None = None
    """Where the API server asks us; None where it does not."""
    inventory: Inventory = field(default_factory=Inventory)
    references: References = field(default_factory=References)
    cron_runs: CronRuns = field(default_factory=CronRuns)
    fired_jobs: FiredJobs = field(default_factory=FiredJobs)
    script_users: ScriptUsers = field(default_factory=ScriptUsers)
    waiting_pods: WaitingPods = field(default_factory=WaitingPods)
    named_values: NamedValues = field(default_factory=NamedValues)
    endpoints: EndpointIndex = field(default_factory=EndpointIndex)
    pool_states: dict[str, PoolState] = field(default_factory=dict)
    """By namespace, what this replica found last of its pool."""
    history: History = field(default_factory=History)
    outbox: Outbox = field(default_factory=Outbox)
    supervisor: Supervisor = field(default_factory=Supervisor)
    metrics: Metrics = field(default_factory=Metrics)
    canaries: dict[Kind, Canary] = field(
        default_factory=lambda: {
            kind: Canary() for kind in (Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.ENDPOINT, Kind.RUNNER_POOL)
        }
    )
