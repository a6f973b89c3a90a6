"""Runs as a person likes to read them: one line each, and below it what the script said. Pure."""

import json

from scriptorium_api import schedule_problems
from scriptorium_api.base import Metadata
from scriptorium_api.cron_script import CronScript, Miss
from scriptorium_api.execution import ExecutionSpec, LogLine, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_api.values import frozen
from scriptorium_runner.engine import LogEntry
from scriptorium_runner.sources.files import NAMESPACE

RED, GREEN, YELLOW, DIM, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
_WIDTHS = (24, 20, 10, 18, 9)

#: Longer output is shown in part; the whole of it is in the history and in --output json.
_MOST_OUTPUT = 2000


@frozen
class Style:
    """Whether to write in colour."""

    is_coloured: bool

    def paint(self, colour: str, text: str) -> str:
        """Give the text in the colour, or as it is."""
        return f"{colour}{text}{_PLAIN}" if self.is_coloured else text


def render_header(style: Style) -> str:
    """Give the line above the first run."""
    return style.paint(DIM, _row("NAME", "SCRIPT", "PHASE", "REASON", "DURATION"))


def render_run(execution: ScriptExecution, style: Style) -> str:
    """Give a finished run: its line, then error, logs and output, indented."""
    status = execution.status
    line = _row(
        render_name(execution.metadata),
        _render_script(execution.spec),
        status.phase,
        status.reason,
        status.duration or "-",
    )
    colour = GREEN if status.phase is Phase.SUCCEEDED else RED
    details = [style.paint(DIM, slot)] if (slot := _render_slot(execution)) else []
    if status.logs_truncated:
        details.append(f"({status.logs_dropped or 'some'} older lines were cut)")
    details += [render_log(entry) for entry in status.logs]
    if status.message:
        details.append(style.paint(RED, status.message))
    if status.error and status.error.stack:
        details += [style.paint(DIM, frame.strip()) for frame in status.error.stack.splitlines()]
    if status.output:
        details.append(style.paint(DIM, _render_output(status.output)))
    lines = [text for part in details for text in part.splitlines()]
    return "\n".join([style.paint(colour, line), *(f"  {text}" for text in lines)])


def render_miss(cron_script: CronScript, miss: Miss) -> str:
    """Give what became of slots that were not run as one line, by the clock of the schedule."""
    zone = schedule_problems.find_zone(cron_script.spec.time_zone)
    moments = (each for each in (miss.scheduled_time, miss.last_scheduled_time) if each is not None)
    span = " to ".join(each.astimezone(zone).isoformat() for each in moments)
    slots = f"slot {span}" if miss.count == 1 else f"{miss.count} slots, {span}"
    return f"{render_name(cron_script.metadata)}: {slots} {miss.outcome} ({miss.reason}): {miss.message}"


def clean(text: str) -> str:
    """Give a text that can do nothing to a terminal, whoever sent it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def render_problem(text: str, style: Style) -> str:
    """Give what is wrong as one line that starts with where."""
    return f"{style.paint(RED, 'error:')} {text}"


def render_name(metadata: Metadata) -> str:
    """Give an object's name; in another namespace than the usual one, with that before it."""
    namespace, name = metadata.namespace, metadata.name
    return name if namespace in ("", NAMESPACE) else f"{namespace}/{name}"


def _render_script(spec: ExecutionSpec) -> str:
    if spec.script_ref:
        return spec.script_ref.name
    return f"<{spec.cron_script_ref.name}>" if spec.cron_script_ref else "<inline>"


def _render_slot(execution: ScriptExecution) -> str:
    fired_by = execution.spec.fired_by
    if fired_by is None or fired_by.scheduled_time is None:
        return ""
    return f"slot {fired_by.scheduled_time:%Y-%m-%dT%H:%M:%SZ} of {fired_by.cron_script}"


def render_log(entry: LogLine | LogEntry) -> str:
    """Give a line that a script wrote."""
    data = f" {json.dumps(entry.data, ensure_ascii=False)}" if entry.data else ""
    writer = f"{entry.script}: " if entry.script else ""
    return f"{entry.level:<5} {writer}{entry.message}{data}"


def _render_output(output: object) -> str:
    text = json.dumps(output, ensure_ascii=False)
    return text if len(text) <= _MOST_OUTPUT else f"{text[:_MOST_OUTPUT]}... ({len(text)} characters)"


def _row(*cells: str) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()
