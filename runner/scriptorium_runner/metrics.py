"""The numbers a runner shows; busy and waiting are only here, never in a status."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from scriptorium_api.execution import ExecutionStatus
from scriptorium_runner.executions.dispatcher import Load
from scriptorium_runner.host.http import Ending


class Metrics:
    """The counters of one runner."""

    def __init__(self, workers: int) -> None:
        self.registry = CollectorRegistry()
        self._busy = Gauge("scriptorium_runner_busy", "Runs in progress.", registry=self.registry)
        self._waiting = Gauge(
            "scriptorium_runner_waiting", "Runs seen and not taken yet.", registry=self.registry
        )
        size = Gauge("scriptorium_runner_workers", "Runs that fit in at once.", registry=self.registry)
        size.set(workers)
        self._ended = Counter(
            "scriptorium_executions", "Runs that ended here.", ["phase", "reason"], registry=self.registry
        )
        self._retried = Counter(
            "scriptorium_retries",
            "Attempts that failed here and have another after them.",
            registry=self.registry,
        )
        self._duration = Histogram(
            "scriptorium_execution_duration_seconds",
            "Time from first JavaScript to end.",
            registry=self.registry,
        )

        self._http = Counter(
            "scriptorium_http_requests",
            "Calls of http by scripts.",
            ["outcome"],
            registry=self.registry,
        )

    def show_load(self, read: Callable[[], Load]) -> None:
        """Have the load read at each scrape."""
        self._busy.set_function(lambda: read().running)
        self._waiting.set_function(lambda: read().waiting)

    def count(self, status: ExecutionStatus) -> None:
        """Count an attempt that was settled."""
        if not status.phase.is_terminal:
            self._retried.inc()
            return
        self._ended.labels(status.phase, status.reason).inc()
        if status.duration_ms is not None:
            self._duration.observe(status.duration_ms / 1000)

    def count_http(self, ending: Ending) -> None:
        """Count a call of http; hosts are no label, since scripts choose them."""
        self._http.labels(ending.outcome).inc()
