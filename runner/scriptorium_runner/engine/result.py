"""From what a worker said, or how it died, to a Result. Pure; nothing from the worker is believed unread."""

import math
import signal
from typing import Any

from scriptorium_api.reasons import Reason
from scriptorium_api.values import frozen
from scriptorium_runner.engine import answers, console, untrusted
from scriptorium_runner.engine.http import HttpResponse
from scriptorium_runner.engine.positions import Source
from scriptorium_runner.engine.protocol import REPORT_BYTES
from scriptorium_runner.engine.values import Limits, Program, Result, ScriptError, Usage
from scriptorium_runner.engine.workers.channel import Exchange

MESSAGE_CHARACTERS = 4096
STACK_CHARACTERS = 4096

_UNSETTLED = "the script can never settle: it waits for a promise that nothing will resolve"
_BREAKOUT = "the source closes the function that it is the body of, or is nested too deeply: check its braces"
_PRESSED = (
    "the runner's memory, or its part for answers that no script has read yet, was nearly used up, "
    "and of all runs in it this one held the most"
)
_NAME_CHARACTERS = 256
#: What the engine itself said of an error, as far as the worker passes it on.
_TEXT_CHARACTERS = MESSAGE_CHARACTERS + STACK_CHARACTERS


@frozen(kw_only=True)
class Verdict:
    """How a run ended: its reason, with an output or an error."""

    reason: Reason
    output: dict[str, Any] | None = None
    response: HttpResponse | None = None
    error: ScriptError | None = None


CANCELLED = Verdict(
    reason=Reason.CANCELLED, error=ScriptError(name="Cancelled", message="the run was cancelled")
)


@frozen(kw_only=True)
class Settled:
    """A Result, and what the pool wants to know of its worker."""

    result: Result
    #: The worker answered as it should and its engine was not stopped halfway.
    is_clean: bool
    #: All the CPU time that the worker has reported so far.
    cpu_seconds: float = 0.0


def settle(program: Program, limits: Limits, exchange: Exchange) -> Settled:
    """Build the Result of a run."""
    tail = console.read_logs(exchange.logs, limits.log_kb * 1024)
    verdict, usage, total = _judge(program, limits, exchange)
    result = Result(
        reason=verdict.reason,
        output=verdict.output,
        response=verdict.response,
        error=verdict.error,
        logs=tail.lines,
        logs_truncated=tail.is_cut,
        logs_dropped=tail.dropped,
        usage=usage,
        duration_ms=exchange.seconds * 1000,
        started_at=exchange.started_at,
    )
    return Settled(
        result=result,
        is_clean=total is not None and _is_clean(verdict, exchange),
        cpu_seconds=total or 0.0,
    )


def _is_clean(verdict: Verdict, exchange: Exchange) -> bool:
    # One that was killed may have answered a moment before, and is dying now.
    was_ended = exchange.was_cancelled or exchange.was_killed or exchange.was_pressed
    return (
        not was_ended
        and exchange.is_channel_clear
        and verdict.reason
        in (
            Reason.COMPLETED,
            Reason.SCRIPT_ERROR,
            Reason.SYNTAX_ERROR,
        )
    )


def _judge(program: Program, limits: Limits, exchange: Exchange) -> tuple[Verdict, Usage, float | None]:
    if exchange.report is None:
        return _judge_death(limits, exchange), _read_exit(exchange), None
    head, _, output = exchange.report.partition(b"\n")
    try:
        if len(head) > REPORT_BYTES:
            raise untrusted.Refused("a report of that size")
        report = untrusted.read_json(head)
        if not isinstance(report, dict):
            raise untrusted.Refused("not a report")
        usage = report.get("usage")
        if not isinstance(usage, dict):
            raise untrusted.Refused("no usage")
        verdict = _judge_report(program, report, output, limits)
        return verdict, _read_usage(usage, exchange.api_calls), _read_number(usage.get("cpu_total"))
    except untrusted.Refused as error:
        return (
            _crash(f"its worker's answer makes no sense: {error}"),
            Usage(api_calls=exchange.api_calls),
            None,
        )


def _judge_ended(limits: Limits, exchange: Exchange) -> Verdict | None:
    """Judge what the supervisor ended for a reason of its own; None if it did not."""
    if exchange.was_cancelled:
        return CANCELLED
    if exchange.has_exceeded_calls:
        return _too_many_calls(limits)
    if exchange.was_pressed:
        return Verdict(
            reason=Reason.MEMORY_PRESSURE, error=ScriptError(name="MemoryPressure", message=_PRESSED)
        )
    return None


def _judge_death(limits: Limits, exchange: Exchange) -> Verdict:
    if (verdict := _judge_ended(limits, exchange)) is not None:
        return verdict
    ended_by = exchange.exit.signal_number if exchange.exit is not None else None
    if exchange.was_killed or ended_by in (signal.SIGALRM, signal.SIGXCPU):
        return _timeout(limits)
    if ended_by is None:
        return _crash(exchange.protocol_error)
    if ended_by == signal.SIGSYS:
        return _crash("its worker was ended because it asked the operating system for what no script needs")
    hint = ", perhaps for want of memory on the node" if ended_by == signal.SIGKILL else ""
    return _crash(f"its worker was ended by {_name_signal(ended_by)}{hint}")


def _name_signal(number: int) -> str:
    # Most real-time signals have no name.
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _judge_report(program: Program, report: dict[str, Any], output: bytes, limits: Limits) -> Verdict:
    source = Source(program.source)
    text = untrusted.read_text(report.get("text"), _TEXT_CHARACTERS)
    match report.get("end"):
        case "value" if program.request is None:
            return _judge_output(program, output, limits)
        case "answer" if program.request is not None:
            return _judge_answer(program, output, limits)
        case "large":
            return _too_large(_read_number(report.get("size")), limits, program)
        case "error":
            return Verdict(reason=Reason.SCRIPT_ERROR, error=_read_error(report, text, source))
        case "syntax":
            return Verdict(reason=Reason.SYNTAX_ERROR, error=_read_syntax_error(text, source))
        case end:
            return _judge_stop(end, text, source, limits)


def _judge_stop(end: Any, text: str, source: Source, limits: Limits) -> Verdict:
    """Judge the ends that the script's own values have no part in."""
    match end:
        case "breakout":
            return Verdict(
                reason=Reason.SYNTAX_ERROR, error=ScriptError(name="SyntaxError", message=_BREAKOUT)
            )
        case "memory":
            message = f"the script needs more memory than its limit of {limits.memory_mb} MB"
            return Verdict(reason=Reason.MEMORY_LIMIT, error=ScriptError(name="MemoryLimit", message=message))
        case "timeout":
            return _timeout(limits, source, text)
        case "calls":
            return _too_many_calls(limits, source, text)
        case "unsettled":
            return Verdict(
                reason=Reason.SCRIPT_ERROR, error=ScriptError(name="UnsettledPromise", message=_UNSETTLED)
            )
    raise untrusted.Refused("an unknown end")


def _judge_output(program: Program, output: bytes, limits: Limits) -> Verdict:
    if len(output) > limits.output_kb * 1024:
        return _too_large(len(output), limits, program)
    try:
        value = untrusted.read_json(output)
    except untrusted.TooDeep as error:
        return Verdict(
            reason=Reason.OUTPUT_LIMIT,
            error=ScriptError(name="OutputLimit", message=f"the output is {error}"),
        )
    if not isinstance(value, dict):
        raise untrusted.Refused("the output is not an object")
    return Verdict(reason=Reason.COMPLETED, output=value)


def _judge_answer(program: Program, words: bytes, limits: Limits) -> Verdict:
    try:
        response = answers.read_answer(words)
    except answers.InvalidResponse as error:
        return Verdict(
            reason=Reason.SCRIPT_ERROR, error=ScriptError(name="InvalidResponse", message=f"{error}")
        )
    if len(response.body) > limits.output_kb * 1024:
        return _too_large(len(response.body), limits, program)
    return Verdict(reason=Reason.COMPLETED, response=response)


def _too_large(size: float, limits: Limits, program: Program) -> Verdict:
    what = "the output" if program.request is None else "the body of the answer"
    message = f"{what} has {size:.0f} bytes, the limit is {limits.output_kb * 1024} ({limits.output_kb} KB)"
    return Verdict(reason=Reason.OUTPUT_LIMIT, error=ScriptError(name="OutputLimit", message=message))


def _timeout(limits: Limits, source: Source | None = None, text: str = "") -> Verdict:
    """Name the limit; where the engine stopped the script itself, also the function that ran."""
    stack, position = source.translate_stack(text) if source is not None else ("", None)
    line, column = position or (None, None)
    message = f"the script ran longer than its limit of {limits.timeout_seconds:g} s"
    error = ScriptError(name="ExecutionTimeout", message=message, stack=stack, line=line, column=column)
    return Verdict(reason=Reason.TIMEOUT, error=error)


def _too_many_calls(limits: Limits, source: Source | None = None, text: str = "") -> Verdict:
    """Name the limit; where the prelude noticed it, also the call that was one too many."""
    stack, position = source.translate_stack(text) if source is not None else ("", None)
    line, column = position or (None, None)
    message = f"the script made more host calls than its limit of {limits.api_calls}"
    error = ScriptError(name="APICallLimit", message=message, stack=stack, line=line, column=column)
    return Verdict(reason=Reason.API_CALL_LIMIT, error=error)


def _crash(detail: str) -> Verdict:
    message = f"the JavaScript engine ended unexpectedly: {detail}"
    return Verdict(reason=Reason.ENGINE_CRASH, error=ScriptError(name="EngineCrash", message=message))


def _read_error(report: dict[str, Any], text: str, source: Source) -> ScriptError:
    name = untrusted.read_text(report.get("name"), _NAME_CHARACTERS)
    message = untrusted.read_text(report.get("message"), MESSAGE_CHARACTERS)
    stack = untrusted.read_text(report.get("stack"), 2 * STACK_CHARACTERS)
    if text:
        name, message, stack = _split_engine_text(text)
    stack, position = source.translate_stack(stack)
    line, column = position or (None, None)
    return ScriptError(
        name=name or "Error", message=message, stack=stack[:STACK_CHARACTERS], line=line, column=column
    )


def _read_syntax_error(text: str, source: Source) -> ScriptError:
    _, message, stack = _split_engine_text(text)
    line, column = source.locate_syntax_error(stack) or (None, None)
    return ScriptError(name="SyntaxError", message=message, line=line, column=column)


def _split_engine_text(text: str) -> tuple[str, str, str]:
    head, separator, rest = text.partition("\n    at ")
    name, _, message = head.strip().partition(": ")
    if len(text) == _TEXT_CHARACTERS and not separator and len(message) < MESSAGE_CHARACTERS:
        # Cut within the message: it is cut again where redaction looks for the beginning of a secret.
        message = message[:_NAME_CHARACTERS] if len(message) >= _NAME_CHARACTERS else ""
    return name[:_NAME_CHARACTERS], message[:MESSAGE_CHARACTERS], (separator + rest).lstrip("\n")


def _read_exit(exchange: Exchange) -> Usage:
    if exchange.exit is None:
        return Usage(api_calls=exchange.api_calls)
    return Usage(
        cpu_ms=max(exchange.exit.cpu_seconds - exchange.cpu_before, 0.0) * 1000,
        peak_memory_mb=exchange.exit.peak_kb / 1024 if exchange.is_peak_known else None,
        api_calls=exchange.api_calls,
    )


def _read_usage(usage: dict[str, Any], api_calls: int) -> Usage:
    peak = usage.get("peak")
    return Usage(
        cpu_ms=_read_number(usage.get("cpu")) * 1000,
        peak_memory_mb=None if peak is None else _read_number(peak) / 1024,
        api_calls=api_calls,
    )


def _read_number(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not 0 <= value < 1e15
        or math.isnan(value)
    ):
        raise untrusted.Refused("not a number")
    return float(value)
