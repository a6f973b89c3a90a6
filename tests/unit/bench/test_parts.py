"""What the time goes to, read from a page of metrics."""

import io

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from bench.endpoints import parts


def make_page(**seconds):
    registry = CollectorRegistry()
    histogram = Histogram(parts.METRIC, "where it goes", ["part"], registry=registry)
    for name, values in seconds.items():
        for value in values:
            histogram.labels(name).observe(value)
    return generate_latest(registry).decode()


def test_a_part_is_its_sum_and_its_count():
    found = parts.parse(make_page(queue=[1, 2], worker=[4]))
    assert found == {"queue": parts.Part(3, 2), "worker": parts.Part(4, 1)}


def test_a_page_without_them_has_none():
    assert parts.parse("# nothing here\nup 1\n") == {}


def test_only_what_was_added_counts():
    before, after = parts.parse(make_page(queue=[1])), parts.parse(make_page(queue=[1, 2], worker=[4]))
    assert parts.subtract(after, before) == {"queue": parts.Part(2, 1), "worker": parts.Part(4, 1)}


def test_a_part_that_nothing_went_through_is_left_out():
    page = parts.parse(make_page(queue=[1]))
    assert parts.subtract(page, page) == {}


def test_the_largest_part_comes_first_with_its_mean_and_share():
    first, second = parts.render({"queue": parts.Part(0.001, 2), "worker": parts.Part(0.003, 2)})
    assert first.split() == ["worker", "1.500", "ms", "75.0", "%"]
    assert second.split() == ["queue", "0.500", "ms", "25.0", "%"]


def test_what_several_processes_tell_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"http://a/metrics": make_page(queue=[1]), "http://b/metrics": make_page(queue=[2], worker=[4])}
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: io.BytesIO(pages[url].encode()))
    assert parts.read(["http://a", "http://b"]) == {"queue": parts.Part(3, 2), "worker": parts.Part(4, 1)}
