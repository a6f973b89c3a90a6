"""The values of Secrets in what a run leaves behind."""

import json
import time
import urllib.parse
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import LogEntry, Result, ScriptError
from scriptorium_runner.executions.redaction import MARK, SHORTEST, Redaction

KEY = "sk-live-1234"
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ==\n-----END KEY-----\n"
PHRASE = 'tell "nobody" \\ ever: é'


def make_result(**fields: Any) -> Result:
    return Result(
        **({"reason": Reason.COMPLETED, "duration_ms": 1, "started_at": datetime.now(UTC)} | fields)
    )


def make_line(message: str, **fields: Any) -> LogEntry:
    return LogEntry(level="info", message=message, timestamp="2030-01-01T00:00:00.000Z", **fields)


def redact_output(value: Any, *secrets: str) -> Any:
    output = Redaction(secrets or [KEY]).redact(make_result(output={"value": value})).output
    assert output is not None
    return output["value"]


def redact_message(message: str, *secrets: str, is_cut: bool = False) -> str:
    (line,) = Redaction(secrets or [KEY]).redact(make_result(logs=(make_line(message, is_cut=is_cut),))).logs
    return line.message


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        (KEY, MARK),
        (f"key={KEY}; {KEY}.", f"key={MARK}; {MARK}."),
        (f"{KEY}{KEY}", MARK),
        ([1, [KEY], None, True], [1, [MARK], None, True]),
        ({KEY: {"a": KEY}}, {MARK: {"a": MARK}}),
        (KEY[:-1], KEY[:-1]),
        (KEY.upper(), KEY.upper()),
    ],
)
def test_a_value_is_taken_out_of_the_output_wherever_it_stands(value: Any, redacted: Any) -> None:
    assert redact_output(value) == redacted


def test_it_is_taken_out_of_lines_and_their_data() -> None:
    line = make_line(
        f"with {KEY}", data=[KEY, {"headers": {"authorization": f"Bearer {KEY}"}}], script="price"
    )
    (told,) = Redaction([KEY]).redact(make_result(logs=(line,))).logs
    assert told == make_line(
        f"with {MARK}", data=[MARK, {"headers": {"authorization": f"Bearer {MARK}"}}], script="price"
    )


def test_it_is_taken_out_of_name_message_and_stack_of_an_error() -> None:
    error = ScriptError(name=KEY, message=f"no: {KEY}", stack=f"    at {KEY} (script:1:2)", line=1, column=2)
    assert Redaction([KEY]).redact(make_result(error=error)).error == ScriptError(
        name=MARK, message=f"no: {MARK}", stack=f"    at {MARK} (script:1:2)", line=1, column=2
    )


@pytest.mark.parametrize(
    "spell",
    [
        str,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: "https://example.com/?q=" + urllib.parse.quote(text, safe=""),
        lambda text: "https://example.com/?" + urllib.parse.urlencode({"q": text}),
    ],
)
def test_a_value_is_found_as_json_and_urls_have_it(spell: Any) -> None:
    told = redact_message(f"<{spell(PHRASE)}>", PHRASE)
    assert "nobody" not in told
    assert MARK in told


def test_json_in_a_text_stays_json() -> None:
    told = redact_output(json.dumps({"key": PHRASE, "n": 1}), PHRASE)
    assert json.loads(told) == {"key": MARK, "n": 1}


def test_a_value_is_found_without_the_line_end_that_its_file_had() -> None:
    assert redact_message(f"({KEY})", f"{KEY}\n") == f"({MARK})"


def test_a_value_of_several_lines_is_found_whole_and_line_by_line() -> None:
    assert redact_message(f"({PEM.strip()})", PEM) == f"({MARK})"
    lines = [redact_message(line, PEM) for line in PEM.splitlines()]
    assert lines == [MARK] * 4
    assert redact_message("  MIIEvQIBADANBg\r\nand more", PEM) == f"{MARK}\nand more"


def test_a_number_that_is_a_value_is_found_and_one_that_holds_it_is_not() -> None:
    assert redact_output([12345678, 123456789, 1234567], "12345678") == [MARK, 123456789, 1234567]


def test_short_values_stay_since_they_stand_everywhere() -> None:
    short = "x" * (SHORTEST - 1)
    assert redact_output([short, "x" * SHORTEST], short, f" {short}\n") == [short, "x" * SHORTEST]
    assert redact_output("x" * SHORTEST, "x" * SHORTEST) == MARK


def test_what_no_secret_was_given_to_is_left_as_it_is() -> None:
    result = make_result(output={"a": KEY}, logs=(make_line(KEY),))
    assert Redaction([]).redact(result) is result


def test_values_that_overlap_are_both_gone() -> None:
    assert redact_message("aaaabbbbccccdddd!", "aaaabbbbcccc", "bbbbccccdddd") == f"{MARK}!"


def test_the_beginning_of_a_value_is_taken_out_of_a_line_that_was_cut() -> None:
    assert redact_message(f"the key is {KEY[:-1]}", is_cut=True) == f"the key is {MARK}"
    assert redact_message(f"the key is {KEY[:-1]}") == f"the key is {KEY[:-1]}"
    # Half a character is replaced where it was cut.
    assert redact_message(f"the key is {KEY[:-1]}\ufffd", is_cut=True) == f"the key is {MARK}"


def test_the_beginning_of_a_line_of_a_value_is_taken_out_of_a_text_that_was_cut() -> None:
    assert redact_message("the key:\n  kqhkiG9w0B", PEM, is_cut=True) == f"the key:\n{MARK}"
    assert redact_message("the key:\n  kqhkiG9w0B", PEM) == "the key:\n  kqhkiG9w0B"
    assert redact_message("kqhkiG9w0B\nand more", PEM, is_cut=True) == "kqhkiG9w0B\nand more"


@pytest.mark.parametrize("letter", ["k", "é", "€", "😀"])
def test_what_the_engine_shows_of_a_long_value_is_taken_out_wherever_it_stands(letter: str) -> None:
    value = letter * 200
    for shown in (60, 63, 100):
        told = value.encode()[:shown].decode(errors="ignore")
        assert (
            redact_output(f"cannot read '{told}' of undefined", value) == f"cannot read '{MARK}' of undefined"
        )
    short = letter * 8
    assert redact_output(short, value) == short


@pytest.mark.parametrize("filler", ["x", "😀"])
def test_the_beginning_of_a_value_is_taken_out_of_an_error_that_was_cut(filler: str) -> None:
    units = len(filler.encode("utf-16-le")) // 2
    message = filler * ((4096 - 10) // units) + KEY[:10]
    error = ScriptError(name="Error", message=message)
    told = Redaction([KEY]).redact_error(error).message
    assert told.endswith(filler + MARK)


def test_what_is_left_is_never_longer_than_what_was() -> None:
    flood = f"{'k' * SHORTEST}," * 5000
    assert len(redact_message(flood, "k" * SHORTEST)) <= len(flood)


SECRETS = st.lists(st.text('ab"\\\n é', min_size=SHORTEST, max_size=20), min_size=1, max_size=4)


@given(data=st.data(), secrets=SECRETS)
def test_no_value_is_left_in_any_text(data: st.DataObject, secrets: list[str]) -> None:
    piece = st.one_of(
        st.sampled_from(secrets),
        st.sampled_from([json.dumps(each) for each in secrets]),
        st.text('ab"\\\n é'),
    )
    text = "".join(data.draw(st.lists(piece, max_size=6)))
    told = redact_message(text, *secrets)
    for value in (each.strip() for each in secrets):
        assert len(value) < SHORTEST or (value not in told and json.dumps(value)[1:-1] not in told)


HOSTILE = {
    "values that begin alike": [f"{'a' * 900}{number}" for number in range(64)],
    "values of one letter": ["a" * (number + SHORTEST) for number in range(500)],
    "a value as long as may be": ["a" * 65_535 + "b"],
    "a value of many lines": ["\n".join(f"{'a' * 8}{number}" for number in range(6000))],
}
TEXTS = {
    "one long text": "a" * 65_536,
    "many short texts": ["a" * 8] * 6000,
    "many lines": "\n".join(["a" * 8] * 7000),
    "a deep tower of numbers": [[[[list(range(10_000))]]]],
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("secrets", HOSTILE.values(), ids=HOSTILE)
def test_no_text_and_no_value_takes_long(secrets: list[str], text: Any) -> None:
    begun = time.process_time()
    redact_output(text, *secrets)
    redact_message(str(text), *secrets, is_cut=True)
    # A search that goes back in the text for each value, or in each value for the text, takes far longer.
    assert time.process_time() - begun < 10
