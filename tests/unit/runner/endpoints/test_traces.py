import pytest

from scriptorium_runner.endpoints.traces import read_trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", "01"),
        (f"00-{TRACE}-{SPAN}-00", "00"),
        (f"00-{TRACE}-{SPAN}-ff", "01"),
        (f"01-{TRACE}-{SPAN}-01-of-a-later-version", "01"),
    ],
)
def test_a_trace_goes_on_with_a_span_of_its_own(said: str, flags: str) -> None:
    found = read_trace((("traceparent", said),))
    assert (found.trace_id, found.flags) == (TRACE, flags)
    assert found.span_id != SPAN
    assert found.parent == f"00-{TRACE}-{found.span_id}-{flags}"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "nonsense",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
    ],
)
def test_what_is_no_trace_begins_one(said: str) -> None:
    found = read_trace((("traceparent", said),))
    assert found.trace_id != TRACE
    assert len(found.parent) == 55
    assert found.flags == "00"


def test_of_two_traces_none_is_believed() -> None:
    pair = ("traceparent", f"00-{TRACE}-{SPAN}-01")
    assert read_trace((pair, pair)).trace_id != TRACE
