"""docs/metrics.md says what operator and runner show: all of it, with its labels, and nothing else."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from scriptorium_api.execution import ExecutionStatus
from scriptorium_api.reasons import Phase, Reason
from scriptorium_operator.__main__ import show
from scriptorium_operator.context import Context
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services.leadership import Leadership
from scriptorium_operator.settings import RunnerSettings, Settings
from scriptorium_runner.endpoints.invoke.invoking import Record
from scriptorium_runner.engine import EngineVersion, Layer
from scriptorium_runner.executions.dispatcher import Load
from scriptorium_runner.host.http import Ending
from scriptorium_runner.metrics import Metrics
from scriptorium_runner.request_metrics import RequestMetrics
from tests.support.endings import make_ended
from tests.support.engine_stats import make_engine_stats
from tests.unit.operator.fakes import Clock, FakeCluster, FakeSyntax, RecordedWork

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \| (?P<type>[a-z]+) \| (?P<labels>[^|]+) \| \S", re.MULTILINE)

Numbers = dict[str, tuple[str, frozenset[str]]]


def read_page(part: str) -> Numbers:
    """Give what a part of the page says: each metric's type and labels."""
    text = next(each for each in PAGE.read_text().split("\n## ") if each.startswith(part))
    return {row["name"]: (row["type"], read_labels(row["labels"])) for row in ROW.finditer(text)}


def read_labels(cell: str) -> frozenset[str]:
    return frozenset() if cell == "none" else frozenset(re.findall(r"`([a-z]+)`", cell))


def collect(registry: CollectorRegistry) -> Numbers:
    """Give what a process shows; every metric needs a sample, or its labels were not seen."""
    found: Numbers = {}
    for family in registry.collect():
        assert family.samples, f"{family.name} has no sample: have this test make one"
        labels = frozenset(family.samples[0].labels) - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = (family.type, labels)
    return found


def make_operator() -> Context:
    return Context(
        settings=Settings(runner=RunnerSettings(image="example.org/scriptorium:1")),
        cluster=FakeCluster(),  # type: ignore[arg-type]
        syntax=FakeSyntax(),  # type: ignore[arg-type]
        leadership=Leadership(lambda: 0.0),
        work=RecordedWork(),
        now=Clock(),
    )


async def test_every_metric_of_the_operator_is_on_the_page() -> None:
    context = make_operator()
    show(context)
    context.metrics.count_reconcile(Kind.SCRIPT, "done")
    context.metrics.count_write("apply", "Deployment")
    context.metrics.count_request("GET", 200)
    context.metrics.count_unrun_slots("Missed", "Outage", 1)
    context.endpoints.reasons[Key(Kind.ENDPOINT, "team", "shop")] = "Ready"

    async def run() -> None:
        """End at once."""

    context.supervisor.start("sweep", run)
    assert collect(context.metrics.registry) == read_page("The operator")
    await context.supervisor.stop()


def test_every_metric_of_a_runner_is_on_the_page() -> None:
    metrics = Metrics(workers=1)
    metrics.show_load(lambda: Load(waiting=0, running=0))
    metrics.show_engine(make_engine_stats)
    metrics.show_layers(lambda: {Layer.SECCOMP: True})
    metrics.show_version(EngineVersion("0.17.0.2", "wheel"))
    ended = ExecutionStatus(phase=Phase.SUCCEEDED, reason=Reason.COMPLETED)
    metrics.count(ended)
    metrics.count_slot(0.1)
    metrics.count_http(Ending(outcome="ANSWERED", host="api.example.com", seconds=0.1))
    requests = RequestMetrics(metrics.registry)
    requests.show_in_flight(lambda: 0)
    requests.count(make_ended(rejected="auth"))
    metrics.count_invocation(Record("id", status=200, phase=Phase.SUCCEEDED))
    assert collect(metrics.registry) == read_page("A runner")
