"""What a call asks for: which Script, with what input, for how long. Pure."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from scriptorium_api import names
from scriptorium_api.execution import MAX_INPUT_BYTES
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.calls import Call, Problem
from scriptorium_runner.endpoints.invoke import problems
from scriptorium_runner.executions import decide

#: The input is counted without its white space, of which there may be some.
MOST_BODY = MAX_INPUT_BYTES + 4096

#: As limits.timeoutSeconds of a Script.
MOST_SECONDS = 3600

#: Only what is a name of a Script: nothing with escapes, slashes or dot segments ever gets further.
_PATH = re.compile(r"/v1/scripts/([a-z0-9]|[a-z0-9][a-z0-9.-]*[a-z0-9])/invoke")

_TOO_DEEP = f"the body is nested deeper than {decide.DEEPEST_INPUT} levels; flatten it"

_JSON = re.compile(r"application/(?:json|[a-z0-9.-]+\+json) *(?:;.*)?", re.IGNORECASE)


@frozen
class Invocation:
    """What is to run."""

    script: str
    input: Mapping[str, Any] = field(repr=False)
    timeout_seconds: int | None
    """Lowers the Script's own limit, never lengthens it."""


def find_script_name(call: Call) -> str | Problem:
    """Give the name of the Script that a call is for."""
    found = _PATH.fullmatch(call.raw_path)
    if found is None or len(found[1]) > names.MAX_NAME or ".." in found[1]:
        return problems.not_found("there is nothing here but POST /v1/scripts/{name}/invoke")
    return found[1] if call.method == "POST" else problems.wrong_method()


def read_timeout(raw_query: str) -> int | Problem | None:
    """Give the shorter time limit that a call asks for, if it does."""
    if not raw_query:
        return None
    try:
        pairs = parse_qsl(raw_query, keep_blank_values=True, strict_parsing=True, max_num_fields=10)
    except ValueError:
        return problems.bad_request("the query is malformed")
    if [name for name, _ in pairs] != ["timeoutSeconds"]:
        return problems.bad_request("the query may have one timeoutSeconds, and nothing else")
    text = pairs[0][1]
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MOST_SECONDS:
        return problems.bad_request(f"timeoutSeconds must be a whole number from 1 to {MOST_SECONDS}")
    return int(text)


def find_body_problem(call: Call) -> Problem | None:
    """Say what keeps a body from being an input, by its headers alone."""
    length = call.find_header("content-length")
    if length is not None and length.isdecimal() and (len(length) > 9 or int(length) > MOST_BODY):
        return body_too_large()
    if call.find_header("content-encoding") not in (None, "identity"):
        return problems.wrong_type("the body must not be compressed")
    return None


def body_too_large() -> Problem:
    """Tell that the body is too large to be read."""
    return problems.too_large(
        f"the body is larger than {MOST_BODY} bytes; store the data elsewhere and pass a reference to it"
    )


def read_input(call: Call) -> dict[str, Any] | Problem:
    """Give the input that a call's body is: {} without one."""
    if not call.body.strip():
        return {}
    if not _JSON.fullmatch(call.find_header("content-type") or ""):
        return problems.wrong_type("send the input as Content-Type: application/json")
    try:
        value = json.loads(call.body.decode(), parse_constant=_refuse, parse_float=_read_float)
    except RecursionError:
        return problems.bad_request(_TOO_DEEP)
    except ValueError as error:
        return problems.bad_request(f"the body is not JSON: {_describe(error)}")
    if not isinstance(value, dict):
        return problems.bad_request("the body must be a JSON object, which is the script's input")
    return _find_input_problem(value) or value


def _find_input_problem(value: dict[str, Any]) -> Problem | None:
    if problem := decide.find_depth_problem(value, "the body"):
        return problems.bad_request(problem)
    try:
        problem = decide.find_size_problem(value, "the body")
    except UnicodeEncodeError:
        return problems.bad_request("the body has half of a surrogate pair in it, which is no character")
    return problems.too_large(problem) if problem else None


def _read_float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number of JavaScript's")


def _describe(error: ValueError) -> str:
    """Say what is wrong and where, without any of the body."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at {error.lineno}:{error.colno}"
    return "its text is not UTF-8" if isinstance(error, UnicodeDecodeError) else "a number is out of range"
