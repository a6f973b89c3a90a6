"""Medians, tails and ratios of what was measured. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """What a series of latencies, in seconds, comes to."""

    p50: float
    p99: float
    per_second: float
    count: int


def summarize(latencies: Sequence[float], elapsed: float) -> Figures:
    """Give the figures of a series that took `elapsed` seconds in all."""
    ordered = sorted(latencies)
    return Figures(
        p50=percentile(ordered, 50),
        p99=percentile(ordered, 99),
        per_second=len(ordered) / elapsed,
        count=len(ordered),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Give the smallest value that this many percent are not above."""
    return ordered[max(0, int(-(-len(ordered) * percent // 100)) - 1)]


def render_row(name: str, figures: Figures) -> str:
    """Give one line of the table."""
    return (
        f"{name:<26} {figures.p50 * 1000:8.1f} ms {figures.p99 * 1000:8.1f} ms"
        f" {figures.per_second:8.1f}/s {figures.count:6d}"
    )


def render_ratio(name: str, ours: Figures, floor: Figures) -> str:
    """Give the line that sets ours against the floor."""
    return (
        f"{name:<26} {ours.p50 / floor.p50:8.2f} x  {ours.p99 / floor.p99:8.2f} x "
        f" {ours.per_second / floor.per_second:8.2f} x"
    )
