"""A line of the log for each request, and the lines of its script."""

import json
import sys
from typing import Any

from scriptorium_runner.endpoints.endings import Ended


def write_request(ended: Ended) -> None:
    """Write a request's end to standard output, where a cluster's log collector finds it.

    Never what its caller or its script may want to keep to themselves: bodies, the query, headers.
    """
    lines = [build_line(ended), *build_script_lines(ended)]
    sys.stdout.write("".join(f"{json.dumps(line)}\n" for line in lines))
    sys.stdout.flush()


def build_line(ended: Ended) -> dict[str, Any]:
    """Give the line of a request."""
    call, entry = ended.call, ended.entry
    line: dict[str, Any] = {
        "timestamp": ended.at.isoformat(timespec="milliseconds"),
        "level": "error" if ended.status >= 500 and ended.rejected in ("", "bug") else "info",
        "logger": "request",
        "message": "request",
        "requestId": call.id,
        "traceId": ended.trace.trace_id,
        "method": call.method,
        "path": call.raw_path,
        "status": ended.status,
        "durationMs": round(ended.times.total * 1000, 2),
        "ip": call.ip,
    }
    if entry is not None:
        line |= {"namespace": entry.endpoint.metadata.namespace, "endpoint": entry.endpoint.metadata.name}
        if entry.work is not None:
            work = entry.work
            line |= {"script": work.name, "scriptVersion": work.version, "scriptHash": work.hash}
    if ended.rejected:
        line["rejected"] = ended.rejected
    if ended.cause:
        line["cause"] = ended.cause
    if ended.result is not None and ended.result.error is not None:
        error = ended.result.error
        # Without secrets: the trail of the run took them out.
        line |= {"reason": str(ended.result.reason), "error": error.name, "errorMessage": error.message}
        if error.line:
            line |= {"line": error.line, "column": error.column}
    return line


def build_script_lines(ended: Ended) -> list[dict[str, Any]]:
    """Give what the script wrote, as the lines of runs are."""
    result, entry = ended.result, ended.entry
    if result is None or entry is None or not result.logs:
        return []
    head = {
        "logger": "script",
        "namespace": entry.endpoint.metadata.namespace,
        "endpoint": entry.endpoint.metadata.name,
        "requestId": ended.call.id,
        "script": entry.work.name if entry.work is not None else None,
    }
    return [
        head
        | {"level": each.level, "message": each.message, "timestamp": each.timestamp}
        | ({"data": each.data} if each.data else {})
        | ({"script": each.script} if each.script else {})
        for each in result.logs
    ]
