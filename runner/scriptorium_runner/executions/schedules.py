"""What a run has of the CronScript that it belongs to, or names."""

from typing import TYPE_CHECKING

from scriptorium_api.execution import ScriptExecution
from scriptorium_runner.executions.ports import Board

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript


def find_cron_script(board: Board, execution: ScriptExecution) -> "CronScript | None":
    """Give the CronScript that fired the run, or whose work it does, if it is there."""
    name = find_name(execution)
    return board.find_cron_script(execution.metadata.namespace, name) if name else None


def find_name(execution: ScriptExecution) -> str | None:
    """Give the name of the CronScript that fired the run, or whose work it does."""
    spec = execution.spec
    if spec.cron_script_ref is not None:
        return spec.cron_script_ref.name
    return spec.fired_by.cron_script if spec.fired_by else None


def take_over(board: Board, execution: ScriptExecution) -> ScriptExecution:
    """Give a run that names a CronScript with all that it takes over from it; any other as it is."""
    if execution.spec.cron_script_ref is None:
        return execution
    # Most runs name none, and every run waits for what its pod imports.
    from scriptorium_api import cron_runs  # noqa: PLC0415

    cron_script = find_cron_script(board, execution)
    return cron_runs.take_over(execution, cron_script) if cron_script else execution
