"""Which of the runs with one idempotency key is the first. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Reason

#: For so long after its creation a run is the first of its key.
REMEMBERED = timedelta(hours=24)

#: A run is looked at this many seconds after it was seen: creation times are whole seconds, and no run that
#: is created after the look should turn out to be earlier by them.
SURE_SECONDS = 1.0


def find_first(execution: ScriptExecution, others: Iterable[ScriptExecution]) -> ScriptExecution | None:
    """Give the run that was first with the key of this one; None if this one is.

    One that has started is the first, whatever the clocks say; of those that have not, the earlier by
    creation, and by UID within one second.
    """
    rivals = [other for other in others if _is_rival(execution, other)]
    started = [other for other in rivals if other.status.attempt]
    earlier = [other for other in rivals if _age(other) < _age(execution)]
    return min(started or earlier, key=_age, default=None)


def _is_rival(execution: ScriptExecution, other: ScriptExecution) -> bool:
    return (
        other.metadata.uid != execution.metadata.uid
        and other.spec.script_ref == execution.spec.script_ref
        and other.spec.idempotency_key == execution.spec.idempotency_key
        and _age(execution)[0] - REMEMBERED <= _age(other)[0]
        # What was a duplicate itself never ran.
        and other.status.reason is not Reason.DUPLICATE
    )


def _age(execution: ScriptExecution) -> tuple[datetime, str]:
    created = execution.metadata.creation_timestamp
    assert created is not None, "the API server sets creationTimestamp"  # noqa: S101
    return created, execution.metadata.uid
