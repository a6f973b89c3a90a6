"""Valid objects to start from; a test changes the one thing it is about."""

from datetime import UTC, datetime
from typing import Any

from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.script import Script

NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


def make_script(name: str = "hello", **spec: Any) -> Script:
    """Give a Script as the API server would."""
    return Script.from_wire(
        {
            "apiVersion": "scriptorium.dev/v1alpha1",
            "kind": "Script",
            "metadata": {"name": name, "namespace": "team", "uid": f"script-{name}", "generation": 1},
            "spec": spec or {"source": "return 1"},
        }
    )


def make_execution(
    uid: str = "run-1", status: ExecutionStatus | None = None, created: datetime = NOW, **spec: Any
) -> ScriptExecution:
    """Give a ScriptExecution as the API server would."""
    execution = ScriptExecution.from_wire(
        {
            "apiVersion": "scriptorium.dev/v1alpha1",
            "kind": "ScriptExecution",
            "metadata": {
                "name": uid,
                "namespace": "team",
                "uid": uid,
                "resourceVersion": "1",
                "generation": 1,
                "creationTimestamp": created.isoformat(),
            },
            "spec": {"scriptRef": {"name": "hello"}} | spec,
        }
    )
    return execution.model_copy(update={"status": status}) if status else execution
