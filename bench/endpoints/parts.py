"""What the time of requests goes to, as far as a server tells it."""

import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

PATH = "/metrics"
#: A histogram of seconds with the label `part`: routing, queue, worker, conversion.
METRIC = "scriptorium_endpoint_part_seconds"


@dataclass(frozen=True, slots=True)
class Part:
    """How often a part was gone through, and how long in all."""

    seconds: float
    count: float


Parts = dict[str, Part]


def read(urls: Iterable[str]) -> Parts:
    """Ask all the processes of a server, and add up; whoever does not tell adds nothing."""
    total: Parts = {}
    for url in urls:
        for name, part in _read_one(url).items():
            known = total.get(name, Part(0, 0))
            total[name] = Part(known.seconds + part.seconds, known.count + part.count)
    return total


def _read_one(url: str) -> Parts:
    try:
        with urllib.request.urlopen(url + PATH, timeout=5) as answer:  # noqa: S310 - http, as the load is.
            return parse(answer.read().decode())
    except (OSError, ValueError):
        return {}


def parse(text: str) -> Parts:
    """Read the parts from a page of metrics."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        if family.name == METRIC:
            for sample in family.samples:
                if "part" in sample.labels and not sample.name.endswith("_bucket"):
                    kind = sample.name.removeprefix(METRIC)
                    of_part = found.setdefault(sample.labels["part"], {})
                    of_part[kind] = of_part.get(kind, 0) + sample.value
    return {name: Part(kinds.get("_sum", 0), kinds.get("_count", 0)) for name, kinds in found.items()}


def subtract(after: Parts, before: Parts) -> Parts:
    """Give what was added between two readings."""
    none = Part(0, 0)
    added = {
        name: Part(part.seconds - (was := before.get(name, none)).seconds, part.count - was.count)
        for name, part in after.items()
    }
    return {name: part for name, part in added.items() if part.count > 0}


def render(spent: Parts) -> list[str]:
    """Give a line for each part, the largest first: its mean, and its share of them all."""
    total = sum(part.seconds for part in spent.values()) or 1
    return [
        f"  {name:<24} {part.seconds / part.count * 1000:8.3f} ms {100 * part.seconds / total:6.1f} %"
        for name, part in sorted(spent.items(), key=lambda each: -each[1].seconds)
    ]
