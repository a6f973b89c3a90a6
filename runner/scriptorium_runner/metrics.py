"""The numbers a runner shows; busy and waiting are only here, never in a status."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from scriptorium_api.execution import ExecutionStatus
from scriptorium_runner.endpoints.invoke.invoking import Record
from scriptorium_runner.engine import EngineStats, EngineVersion, Lane, Layer
from scriptorium_runner.executions.dispatcher import Load
from scriptorium_runner.host.http import Ending

Family = CounterMetricFamily | GaugeMetricFamily


#: From a slot that is on time to one of an outage of a day, in seconds.
_DELAYS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400)


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
        self._version = Gauge(
            "scriptorium_engine_info",
            "1 for the JavaScript engine that runs.",
            ["version", "build"],
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
        self._fired = Counter(
            "scriptorium_slots_fired", "Slots of CronScripts whose run was made here.", registry=self.registry
        )
        self._delay = Histogram(
            "scriptorium_slot_delay_seconds",
            "Time from a slot's start to its run being made.",
            buckets=_DELAYS,
            registry=self.registry,
        )
        self._http = Counter(
            "scriptorium_http_requests",
            "Calls of http by scripts.",
            ["outcome"],
            registry=self.registry,
        )
        self._invocations = Counter(
            "scriptorium_invocations",
            "Calls of Scripts from inside the cluster.",
            ["code", "phase"],
            registry=self.registry,
        )
        self._invocation_duration = Histogram(
            "scriptorium_invocation_duration_seconds",
            "Time from such a call to its answer.",
            registry=self.registry,
        )

    def show_load(self, read: Callable[[], Load]) -> None:
        """Have the load read at each scrape."""
        self._busy.set_function(lambda: read().running)
        self._waiting.set_function(lambda: read().waiting)

    def show_engine(self, read: Callable[[], EngineStats]) -> None:
        """Have the sandbox's numbers read at each scrape."""
        self.registry.register(_EngineCollector(read))

    def show_layers(self, read: Callable[[], Mapping[Layer, bool]]) -> None:
        """Have the layers of the sandbox read at each scrape."""

        def show(layer: Layer) -> None:
            self._layers.labels(layer).set_function(lambda: float(read().get(layer, False)))

        for layer in Layer:
            show(layer)

    def show_version(self, version: EngineVersion) -> None:
        """Show which JavaScript engine runs; it stays the same while the runner lives."""
        self._version.labels(version.version, "rebuilt" if version.is_rebuilt else "wheel").set(1)

    def count(self, status: ExecutionStatus) -> None:
        """Count an attempt that was settled."""
        if not status.phase.is_terminal:
            self._retried.inc()
            return
        self._ended.labels(status.phase, status.reason).inc()
        if status.duration_ms is not None:
            self._duration.observe(status.duration_ms / 1000)

    def count_slot(self, delay: float) -> None:
        """Count a slot whose run was made here, so many seconds after it was to start."""
        self._fired.inc()
        self._delay.observe(delay)

    def count_http(self, ending: Ending) -> None:
        """Count a call of http; hosts are no label, since scripts choose them."""
        self._http.labels(ending.outcome).inc()

    def count_invocation(self, record: Record) -> None:
        """Count a call of a Script from inside the cluster; names are no label, since callers choose them."""
        self._invocations.labels(record.status, record.phase or "none").inc()
        self._invocation_duration.observe(record.seconds)


class _EngineCollector(Collector):
    """The sandbox counts by itself; this only reads."""

    def __init__(self, read: Callable[[], EngineStats]) -> None:
        self._read = read

    def collect(self) -> Iterator[Family]:
        """Give the numbers as they are now."""
        yield from build_engine_metrics(self._read())


def build_engine_metrics(stats: EngineStats) -> list[Family]:
    """Give the sandbox's numbers in Prometheus' words."""
    workers = {"busy": stats.in_use, "fresh": stats.fresh, "used": stats.used}
    lookups = {"hit": stats.cache_hits, "miss": stats.cache_misses}
    acquisitions = {"hit": stats.hits, "miss": stats.misses}
    return [
        _labelled(
            GaugeMetricFamily("scriptorium_pool_workers", "Worker processes.", labels=["state"]), workers
        ),
        GaugeMetricFamily("scriptorium_pool_reserved", "Slots that are kept for HTTP.", value=stats.reserved),
        _labelled(
            GaugeMetricFamily("scriptorium_pool_lane_busy", "Worker processes in use.", labels=["lane"]),
            {lane: stats.lane_busy.get(lane, 0) for lane in Lane},
        ),
        _labelled(
            GaugeMetricFamily(
                "scriptorium_pool_lane_waiting", "Callers that wait for a worker, by lane.", labels=["lane"]
            ),
            {lane: stats.lane_waiting.get(lane, 0) for lane in Lane},
        ),
        GaugeMetricFamily("scriptorium_pool_waiting", "Callers that wait for a worker.", value=stats.waiting),
        _labelled(
            CounterMetricFamily(
                "scriptorium_pool_acquisitions", "Callers that wanted a worker.", labels=["outcome"]
            ),
            acquisitions,
        ),
        CounterMetricFamily("scriptorium_pool_waits", "Callers that had to wait.", value=stats.waits),
        CounterMetricFamily(
            "scriptorium_pool_wait_seconds",
            "How long callers waited for a worker.",
            value=stats.waited_seconds,
        ),
        CounterMetricFamily(
            "scriptorium_pool_workers_spawned", "Workers that were forked.", value=stats.spawned
        ),
        _labelled(
            GaugeMetricFamily(
                "scriptorium_pool_memory_mebibytes", "Memory of the container.", labels=["kind"]
            ),
            {"promised": stats.memory_promised_mb, "held": stats.memory_held_mb}
            | ({} if stats.memory_limit_mb is None else {"limit": stats.memory_limit_mb}),
        ),
        CounterMetricFamily(
            "scriptorium_pool_memory_kills",
            "Workers that were ended because the container's memory was nearly used up.",
            value=stats.memory_kills,
        ),
        GaugeMetricFamily(
            "scriptorium_compile_cache_entries", "Sources with a known verdict.", value=stats.cache_entries
        ),
        _labelled(
            CounterMetricFamily(
                "scriptorium_compile_cache_lookups",
                "Questions whether a source is known.",
                labels=["outcome"],
            ),
            lookups,
        ),
        CounterMetricFamily("scriptorium_pool_workers_ended", "Workers that were ended.", value=stats.killed),
    ]


def _labelled(family: Family, values: Mapping[str, float]) -> Family:
    for label, value in values.items():
        family.add_metric([label], value)
    return family
