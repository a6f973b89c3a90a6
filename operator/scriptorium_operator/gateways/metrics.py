"""The numbers an operator shows; docs/metrics.md says what each of them is for."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from scriptorium_operator.facts import Kind, Load

_PREFIX = "scriptorium_operator_"

#: What a request without an answer counts as: a code is three digits everywhere else.
_NO_ANSWER = "none"


class Metrics:
    """The counters of one replica."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = self._make_counter(
            "reconciles", "Attempts to bring an object up to date.", "kind", "outcome"
        )
        self._writes = self._make_counter("writes", "Writes that the API server took.", "verb", "kind")
        self._unrun_slots = self._make_counter(
            "unrun_slots", "Slots of CronScripts that were recorded as not run.", "outcome", "reason"
        )
        self._requests = self._make_counter(
            "api_requests", "Requests to the API server, but for kopf's own watches.", "method", "code"
        )

    def _make_counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(_PREFIX + name, meaning, labels, registry=self.registry)

    def _make_gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        Gauge(_PREFIX + name, meaning, registry=self.registry).set_function(read)

    def show_leadership(self, read: Callable[[], bool]) -> None:
        """Have it read at each scrape whether this replica leads."""
        self._make_gauge("leader", "1 in the replica that leads, 0 in the others.", read)

    def show_load(self, read: Callable[[], Load]) -> None:
        """Have the work queue read at each scrape."""
        self._make_gauge("waiting", "Objects that wait to be brought up to date.", lambda: read().waiting)
        self._make_gauge("busy", "Objects that are being brought up to date.", lambda: read().busy)
        self._make_gauge("failing", "Objects whose last attempt failed.", lambda: read().failing)

    def show_deaths(self, read: Callable[[], Mapping[str, int]]) -> None:
        """Have the tasks' deaths read at each scrape."""
        self.registry.register(_Deaths(read))

    def show_endpoints(self, read: Callable[[], Mapping[str, int]]) -> None:
        """Have the Endpoints read at each scrape."""
        self.registry.register(_Endpoints(read))

    def count_reconcile(self, kind: Kind, outcome: str) -> None:
        """Count an attempt to bring an object up to date."""
        self._reconciles.labels(kind.value, outcome).inc()

    def count_write(self, verb: str, kind: str) -> None:
        """Count a write that the API server took."""
        self._writes.labels(verb, kind).inc()

    def count_unrun_slots(self, outcome: str, reason: str, number: int) -> None:
        """Count slots of CronScripts that were not run."""
        self._unrun_slots.labels(str(outcome), str(reason)).inc(number)

    def count_request(self, method: str, status: int | None) -> None:
        """Count a request to the API server; None stands for no answer."""
        self._requests.labels(method, str(status or _NO_ANSWER)).inc()

    def render(self) -> bytes:
        """Give all numbers as Prometheus reads them."""
        return generate_latest(self.registry)


class _Deaths(Collector):
    """The deaths of supervised tasks, which the supervisor counts."""

    def __init__(self, read: Callable[[], Mapping[str, int]]) -> None:
        self._read = read

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily(
            _PREFIX + "task_deaths", "Deaths of the operator's own tasks.", labels=["task"]
        )
        for task, deaths in sorted(self._read().items()):
            family.add_metric([task], deaths)
        yield family


class _Endpoints(Collector):
    """The Endpoints, by the reason why they are ready or not."""

    def __init__(self, read: Callable[[], Mapping[str, int]]) -> None:
        self._read = read

    def collect(self) -> Iterable[GaugeMetricFamily]:
        meaning = "Endpoints by the reason of their condition Ready, in the replica that leads."
        family = GaugeMetricFamily(_PREFIX + "endpoints", meaning, labels=["reason"])
        for reason, number in sorted(self._read().items()):
            family.add_metric([reason], number)
        yield family
