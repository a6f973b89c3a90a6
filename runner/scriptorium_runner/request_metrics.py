"""The numbers of the requests that a runner answers."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from scriptorium_runner.endpoints.endings import Ended

#: From a hello to the longest that most ingress controllers wait, in seconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_PARTS = ("deciding", "receiving", "queueing", "working", "converting")
#: What callers invent is one series, not one each.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"
#: Endpoints beyond these are counted together: series must not grow without end with what teams apply.
_MOST_ENDPOINTS = 200


class RequestMetrics:
    """Counts requests by their end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "scriptorium_endpoint_requests",
            "Requests that were answered.",
            ["endpoint", "method", "code"],
            registry=registry,
        )
        self._duration = Histogram(
            "scriptorium_endpoint_request_seconds",
            "Time from a request's head to its answer.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._parts = Histogram(
            "scriptorium_endpoint_part_seconds",
            "Where that time went, of requests that a script answered.",
            ["part"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._rejected = Counter(
            "scriptorium_endpoint_rejections",
            "Requests that no script answered.",
            ["reason"],
            registry=registry,
        )
        self._in_flight = Gauge(
            "scriptorium_endpoint_in_flight", "Requests that have no answer yet.", registry=registry
        )
        #: Labels are looked up once.
        self._known: dict[tuple[str, str, int], Counter] = {}
        self._endpoints: set[str] = set()
        self._of_part = {part: self._parts.labels(part) for part in _PARTS}

    def show_in_flight(self, read: Callable[[], int]) -> None:
        """Have the requests under way read at each scrape."""
        self._in_flight.set_function(read)

    def count(self, ended: Ended) -> None:
        """Count a request that is over."""
        self._find(ended).inc()
        times = ended.times
        self._duration.observe(times.total)
        if ended.rejected:
            self._rejected.labels(ended.rejected).inc()
            return
        if ended.result is not None:
            for part, histogram in self._of_part.items():
                histogram.observe(getattr(times, part))

    def _find(self, ended: Ended) -> Counter:
        key = (self._name(ended), ended.call.method, ended.status)
        if key not in self._known:
            endpoint, method, code = key
            labels = (endpoint, method if method in _METHODS else _OTHER, str(code))
            found = self._requests.labels(*labels)
            if method not in _METHODS:
                return found
            self._known[key] = found
        return self._known[key]

    def _name(self, ended: Ended) -> str:
        """Give the label of an Endpoint; empty for what is none's."""
        if ended.entry is None:
            return ""
        name = ended.entry.endpoint.metadata.name
        if name not in self._endpoints:
            if len(self._endpoints) >= _MOST_ENDPOINTS:
                return _OTHER
            self._endpoints.add(name)
        return name
