"""A call as the run that it is: decided about as any other, and stored nowhere. Pure."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from scriptorium_api.base import Metadata
from scriptorium_api.execution import (
    ExecutionSpec,
    ExecutionStatus,
    Holder,
    Requester,
    ScriptExecution,
    ScriptRef,
    Trigger,
)
from scriptorium_api.reasons import Reason
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.calls import Problem
from scriptorium_runner.endpoints.invoke import problems
from scriptorium_runner.endpoints.invoke.requests import Invocation
from scriptorium_runner.engine import Lane
from scriptorium_runner.executions import context, decide
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.decide import End, Source, Start, Values, Wait

#: A value that is missing gets to the runner when the kubelet looks next, or not before somebody makes it.
_VALUES_SECONDS = 5


@frozen
class Facts:
    """What a Script is at this moment."""

    script: Script
    source: Source
    values: Values


def build_run(invocation: Invocation, caller: Requester, request_id: str, now: datetime) -> ScriptExecution:
    """Give the run that a call asks for; its name is of no use to anyone."""
    return ScriptExecution(
        metadata=Metadata(name=invocation.script, uid=request_id, creation_timestamp=now),
        spec=ExecutionSpec(
            script_ref=ScriptRef(name=invocation.script),
            input=dict(invocation.input),
            timeout_seconds=invocation.timeout_seconds,
            requested_by=caller,
        ),
        status=ExecutionStatus(triggered_by=Trigger.API),
    )


def decide_start(run: ScriptExecution, facts: Facts, namespace: str, now: datetime) -> Start | Problem:
    """Say with what the run starts, or why it does not."""
    match decide.decide_start(run, facts.script, facts.source, now, facts.values):
        case Start() as start:
            return replace(start, namespace=namespace, lane=Lane.HTTP)
        case Wait() | End() as obstacle:
            return _explain(obstacle)
        case _:
            return problems.unavailable("the Script cannot start yet", problems.SOON)


def _explain(obstacle: Wait | End) -> Problem:
    match obstacle.reason:
        case Reason.SCRIPT_SUSPENDED:
            return problems.conflict(obstacle.message)
        case Reason.SECRETS_PENDING:
            return problems.unavailable(obstacle.message, _VALUES_SECONDS)
        case Reason.INPUT_INVALID:
            return problems.bad_request(obstacle.message)
        case _:
            return problems.not_found(obstacle.message)


def claim(run: ScriptExecution, start: Start, facts: Facts, holder: Holder, now: datetime) -> ScriptExecution:
    """Give the run as this runner has it in hand."""
    claimed = statuses.build_claimed(run, start, facts.script, holder, now)
    return run.model_copy(update={"status": claimed})


def build_context(claimed: ScriptExecution, script: Script, tenant: Tenant) -> dict[str, Any]:
    """Give the JSON of ctx."""
    values = context.build_context(claimed, script, claimed.status.script_version, tenant)
    values["script"] |= {"type": "embedded"}
    # There is no object of that name: the request is what has a name.
    values["execution"] |= {"name": claimed.metadata.uid}
    return values
