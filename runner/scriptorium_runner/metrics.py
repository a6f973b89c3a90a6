"""The numbers a runner shows; busy and waiting are only here, never in a status."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from scriptorium_api.execution import ExecutionStatus
from scriptorium_runner.engine import Layer
from scriptorium_runner.executions.dispatcher import Load


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
        self._layers = Gauge(
            "scriptorium_sandbox_layer",
            "1 for each layer that the sandbox is sealed with.",
            ["layer"],
            registry=self.registry,
        )
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

    def show_load(self, read: Callable[[], Load]) -> None:
        """Have the load read at each scrape."""
        self._busy.set_function(lambda: read().running)
        self._waiting.set_function(lambda: read().waiting)

    def show_layers(self, read: Callable[[], Mapping[Layer, bool]]) -> None:
        """Have the layers of the sandbox read at each scrape."""

        def show(layer: Layer) -> None:
            self._layers.labels(layer).set_function(lambda: float(read().get(layer, False)))

        for layer in Layer:
            show(layer)

    def count(self, status: ExecutionStatus) -> None:
        """Count an attempt that was settled."""
        if not status.phase.is_terminal:
            self._retried.inc()
            return
        self._ended.labels(status.phase, status.reason).inc()
        if status.duration_ms is not None:
            self._duration.observe(status.duration_ms / 1000)
