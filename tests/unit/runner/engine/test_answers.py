"""A worker's words for an answer, judged as if an enemy had written them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import HttpRequest, Limits, Program, result, untrusted
from scriptorium_runner.engine.answers import InvalidResponse, read_answer
from scriptorium_runner.engine.protocol import HEAD_BYTES, MOST_LINE_BYTES, MOST_LINES, REPORT_BYTES
from scriptorium_runner.engine.workers.channel import Exchange

SOUND = {"status": 200, "kind": "none", "lines": {}}
PLAIN = Program(source="", owner="a")
ASKED = Program(source="", owner="a", request=HttpRequest(method="GET", path="/"))


def say(body: bytes = b"", **parts: object) -> bytes:
    return json.dumps(SOUND | parts).encode() + b"\n" + body


def line(name: object = "a", value: object = "b") -> dict[str, object]:
    return {"0": {"name": name, "value": value}}


def test_a_sound_answer_is_read():
    answer = read_answer(say(b"x\ny", status=201, kind="text", lines=line()))
    assert (answer.status, answer.body) == (201, b"x\ny")
    assert answer.headers == (("a", "b"), ("content-type", "text/plain; charset=utf-8"))


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b"{\n",
        b"\xff\n",
        b'{"status":NaN,"kind":"none","lines":{}}\n',
        say(kind="other"),
        say(kind=None),
        say(kind=["text"]),
        say(lines=None),
        say(lines=[["a", "b"]]),
        say(lines={"0": ["a", "b"]}),
        say(lines={"0": None}),
        say(lines={"0": {}}),
        say(lines=line(name=None)),
        say(lines=line(name=1)),
        say(lines=line(value=1)),
        say(lines=line(value=["b"])),
        say(lines=line(value=None)),
    ],
)
def test_what_no_sound_worker_says_is_refused(words):
    with pytest.raises(untrusted.Refused):
        read_answer(words)


@pytest.mark.parametrize(
    "status", [None, True, "200", 200.5, 199, 600, 0, -200, 2**70, 1e300, [200], {"status": 200}]
)
def test_a_status_is_a_whole_number_of_an_answer(status):
    with pytest.raises(InvalidResponse, match="status must be a whole number from 200 to 599"):
        read_answer(say(status=status))


@pytest.mark.parametrize(
    "broken", ["\r", "\n", "\r\n", "\0", "\x0b", "\x1f", "\x7f", "\x85", "\u2028", "é", "\u010a"]
)
@pytest.mark.parametrize("place", ["{}b", "b{}", "b{}Set-Cookie: c=1", "{}"])
def test_nothing_that_breaks_a_line_is_in_a_header(broken, place):
    text = place.format(broken)
    with pytest.raises(InvalidResponse):
        read_answer(say(lines=line(value=text)))
    with pytest.raises(InvalidResponse) as error:
        read_answer(say(lines=line(name=text)))
    assert str(error.value).isprintable()
    assert str(error.value).isascii()


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a:", "a\tb", '"a"', "a,b", "(a)", "a/b", "a=b", "{a}", "@"]
)
def test_a_name_is_a_token(name):
    with pytest.raises(InvalidResponse, match="is no name of a header"):
        read_answer(say(lines=line(name=name)))


@pytest.mark.parametrize(
    "name",
    [
        "connection",
        "Transfer-Encoding",
        "CONTENT-LENGTH",
        "keep-alive",
        "upgrade",
        "te",
        "trailer",
        "proxy-connection",
        "Proxy-Authenticate",
        "X-Accel-Redirect",
        "X-Sendfile",
    ],
)
def test_what_belongs_to_the_connection_or_to_proxies_is_refused_by_name(name):
    with pytest.raises(InvalidResponse, match=name):
        read_answer(say(lines=line(name=name)))


def test_header_lines_are_bounded_in_number_and_size():
    def lines(count: int, value: str = "v") -> dict[str, object]:
        return {str(number): {"name": f"h{number}", "value": value} for number in range(count)}

    assert len(read_answer(say(lines=lines(MOST_LINES))).headers) == MOST_LINES
    with pytest.raises(InvalidResponse, match="send fewer"):
        read_answer(say(lines=lines(MOST_LINES + 1)))
    assert read_answer(say(lines=lines(1, "v" * (MOST_LINE_BYTES - 2))))
    with pytest.raises(InvalidResponse, match="send fewer"):
        read_answer(say(lines=lines(1, "v" * (MOST_LINE_BYTES - 1))))


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_a_body_has_none(status):
    assert read_answer(say(status=status, kind="text")).headers == ()
    with pytest.raises(InvalidResponse, match="has no body"):
        read_answer(say(b"x", status=status))


@given(st.text(), st.text())
def test_whatever_a_header_says_it_stays_one_line(name, value):
    try:
        answer = read_answer(say(lines=line(name, value)))
    except InvalidResponse:
        return
    ((name, value),) = answer.headers
    assert f"{name}: {value}".isprintable() or "\t" in value
    assert not set(f"{name}{value}") & {"\r", "\n", "\0"}


def report(end: str, output: bytes) -> bytes:
    head = {"end": end, "usage": {"cpu": 0, "cpu_total": 0, "peak": 1}, "text": ""}
    return json.dumps(head).encode() + b"\n" + output


def judge(program: Program, said: bytes) -> result.Settled:
    exchange = Exchange(
        report=said,
        logs=b"",
        exit=None,
        was_cancelled=False,
        was_killed=False,
        is_peak_known=True,
        cpu_before=0.0,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=0.1,
    )
    return result.settle(program, Limits(output_kb=1), exchange)


def test_an_answer_comes_only_to_a_request_and_an_output_only_without_one():
    for program, said in ((PLAIN, report("answer", say())), (ASKED, report("value", b"{}"))):
        settled = judge(program, said)
        assert (settled.result.reason, settled.is_clean) == (Reason.ENGINE_CRASH, False)
        assert (settled.result.response, settled.result.output) == (None, None)


@pytest.mark.parametrize(
    "said",
    [
        report("answer", say(more="x" * HEAD_BYTES)),
        report("answer", say()).replace(b'"text": ""', b'"text": "' + b"x" * REPORT_BYTES + b'"'),
    ],
    ids=["head", "report"],
)
def test_what_is_longer_than_a_head_can_be_is_not_read_as_one(said, monkeypatch):
    read: list[int] = []
    sound = untrusted.read_json
    monkeypatch.setattr(untrusted, "read_json", lambda data: read.append(len(data)) or sound(data))
    settled = judge(ASKED, said)
    assert (settled.result.reason, settled.is_clean) == (Reason.ENGINE_CRASH, False)
    assert all(size < 1000 for size in read)


@pytest.mark.parametrize("words", [b"", b"{}\n", say(lines=[]), say(kind="x")])
def test_words_that_are_no_answer_end_the_worker(words):
    settled = judge(ASKED, report("answer", words))
    assert (settled.result.reason, settled.is_clean) == (Reason.ENGINE_CRASH, False)


def test_a_body_beyond_its_limit_is_refused_whatever_the_worker_let_pass():
    assert judge(ASKED, report("answer", say(bytes(1024)))).result.response.body == bytes(1024)
    settled = judge(ASKED, report("answer", say(bytes(1025))))
    assert (settled.result.reason, settled.result.response) == (Reason.OUTPUT_LIMIT, None)


def test_a_refused_header_is_the_scripts_error():
    settled = judge(ASKED, report("answer", say(lines=line(value="a\r\nb"))))
    assert (settled.result.reason, settled.result.error.name) == (Reason.SCRIPT_ERROR, "InvalidResponse")
    assert settled.is_clean
