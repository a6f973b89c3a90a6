"""The protocol, for whatever bytes and values there are."""

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scriptorium_runner.engine import protocol
from scriptorium_runner.engine.errors import CallLimitReached, WorkerLost
from scriptorium_runner.engine.protocol import FrameBuffer, Request, encode_frame
from scriptorium_runner.engine.untrusted import read_json
from scriptorium_runner.engine.workers.call_record import CallRecord
from tests.unit.runner.engine.hosts import METHODS, FakeHost

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
#: Between these JavaScript writes a number as whole with digits that it does not have.
FLOATS = st.floats(-(2.0**53), 2.0**53) | st.floats(1e21, 1e308)
NUMBERS = st.integers(-(2**53), 2**53) | FLOATS
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS


def _contain(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)


VALUES = st.recursive(SCALARS, _contain, max_leaves=20)
FRAMES = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=50)), max_size=6)


@given(FRAMES, st.lists(st.integers(1, 20), max_size=40))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(frames, cuts):
    stream = b"".join(encode_frame(kind, payload) for kind, payload in frames)
    buffer, found = FrameBuffer(), []
    for cut in [*cuts, len(stream)]:
        buffer.feed(stream[:cut])
        stream = stream[cut:]
        while (frame := buffer.next_frame(50)) is not None:
            found.append(frame)
    assert found == frames
    assert buffer.is_empty


#: JSON, as it is handed on unread.
LINES = TEXTS.map(json.dumps)
REQUESTS = st.builds(
    Request,
    source=TEXTS,
    entrypoint=st.none() | TEXTS,
    context=LINES,
    timeout_seconds=st.floats(0.1, 60),
    memory_mb=st.integers(1, 3),
    output_kb=st.integers(1, 3),
    log_kb=st.integers(1, 3),
    env=TEXTS,
    head=st.none() | LINES,
    body=st.binary(max_size=50),
)


@given(st.lists(REQUESTS, max_size=6))
def test_requests_come_out_as_they_went_in_whatever_came_before_them(requests):
    for request in requests:
        frame = protocol.encode_request(request)
        assert protocol.decode_request(frame[protocol.HEAD.size :]) == request


@given(st.binary(max_size=200), st.integers(0, 64))
def test_no_bytes_make_a_frame_larger_than_allowed(data, most):
    buffer = FrameBuffer()
    buffer.feed(data)
    with contextlib.suppress(WorkerLost):
        while (frame := buffer.next_frame(most)) is not None:
            assert len(frame[1]) <= most


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_end_their_own_run(payload):
    record = CallRecord(METHODS, 1, 1)
    with contextlib.suppress(WorkerLost, CallLimitReached):
        call = record.enter(payload)
        assert (call.number, call.method in METHODS, type(call.arguments)) == (1, True, list)


@given(VALUES)
def test_no_json_but_a_call_is_taken_for_one(value):
    with pytest.raises(WorkerLost):
        CallRecord(METHODS, 1, 1).enter(json.dumps(value).encode())


@given(st.lists(VALUES, max_size=4))
def test_the_arguments_of_a_call_are_read_as_they_are(arguments):
    call = CallRecord(METHODS, 1, 1).enter(json.dumps([1, "http.get", arguments]).encode())
    assert call.arguments == read_json(json.dumps(arguments).encode()) == arguments


@given(st.integers(0, 2**32 - 1), st.booleans(), st.text(st.characters(exclude_categories=["Cs"])))
def test_an_answer_arrives_as_it_was_sent(number, is_good, text):
    frame = protocol.encode_answer(number, is_good, text.encode())
    buffer = FrameBuffer()
    buffer.feed(frame)
    kind, payload = buffer.next_frame(2**20)
    assert (kind, protocol.decode_answer(payload)) == (
        protocol.ANSWER,
        protocol.Answer(number, is_good, text),
    )


STEPS = st.lists(st.sampled_from(["counted", "free", "answered"]), max_size=60)


@given(STEPS, st.integers(0, 10), st.integers(1, 5))
def test_the_record_counts_as_a_clerk_would(steps, most_calls, most_pending):
    record = CallRecord(METHODS, most_calls, most_pending)
    number, counted, pending = 0, 0, []
    for step in steps:
        if step == "answered":
            if pending:
                record.leave(pending.pop())
            continue
        method = "http.get" if step == "counted" else "utils.local"
        payload = json.dumps([number + 1, method, []]).encode()
        if len(pending) >= most_pending:
            with pytest.raises(WorkerLost):
                record.enter(payload)
            return
        if step == "counted" and counted == most_calls:
            with pytest.raises(CallLimitReached):
                record.enter(payload)
            return
        record.enter(payload)
        number += 1
        counted += step == "counted"
        pending.append(number)
        assert record.counted == counted


@pytest.mark.asyncio(loop_scope="session")
async def test_any_value_goes_to_the_host_and_back_as_it_is(run):
    samples = []

    @settings(max_examples=100, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(VALUES)
    def collect(value):
        samples.append(value)

    collect()
    host = FakeHost()
    for value in samples:
        source = "const {arguments: [a]} = await scripts.call(input.value); return {same: a}"
        result = await run(source, host=host, context={"input": {"value": value}}, owner="mirror")
        assert result.output == {"same": value}, value
        assert host.asked[-1][1][0] == value
