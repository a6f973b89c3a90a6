"""What scripts wrote, on standard output beside the runner's own log lines."""

import json
import sys

from scriptorium_api.execution import ExecutionStatus, ScriptExecution


def write_script_logs(execution: ScriptExecution, status: ExecutionStatus) -> None:
    """Write what a script logged to standard output, where a cluster's log collector finds it."""
    run = {
        "logger": "script",
        "namespace": execution.metadata.namespace,
        "execution": execution.metadata.name,
        "script": execution.spec.script_ref.name if execution.spec.script_ref else None,
    }
    for line in status.logs:
        # A line of a Script that was called bears that one's name.
        sys.stdout.write(json.dumps(run | line.to_wire()) + "\n")
    sys.stdout.flush()
