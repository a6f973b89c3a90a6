"""What a script sees as `ctx`. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scriptorium_api.execution import Requester, ScriptExecution
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_runner.executions.decide import Start

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript


@frozen(kw_only=True)
class Tenant:
    """Whose scripts these are: the namespace, as the operator tells the runner."""

    id: str
    name: str
    organization_id: str | None = None


def build_context(
    execution: ScriptExecution, script: Script | None, version: int | None, tenant: Tenant
) -> dict[str, Any]:
    """Give the JSON of ctx for one attempt of a run.

    `execution` is the run as claimed, so that its attempt is the one that runs.
    """
    fired_by = execution.spec.fired_by
    slot = fired_by.scheduled_time if fired_by else None
    return {
        "tenant": build_tenant(tenant),
        "user": _build_user(execution.spec.requested_by),
        "script": {
            "id": script.metadata.uid if script else execution.metadata.uid,
            "name": script.metadata.name if script else execution.metadata.name,
            "type": "cron" if fired_by else "one_off",
            "version": version,
        },
        "execution": {
            "id": execution.metadata.uid,
            "name": execution.metadata.name,
            "triggeredBy": execution.trigger.lower(),
            "attempt": execution.status.attempt,
            "scheduledTime": format_time(slot) if slot else None,
            "lastSuccessfulTime": None,
            "upcoming": [],
        },
        "input": execution.spec.input or {},
    }


def build_serving_context(
    endpoint: str, script: Script, version: int | None, tenant: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Give what ctx has alike for all requests to an Endpoint; `tenant` is what build_tenant gives."""
    return {
        "tenant": dict(tenant),
        "script": {
            "id": script.metadata.uid,
            "name": script.metadata.name,
            "type": "endpoint",
            "version": version,
        },
        "execution": {
            "id": "",
            "name": endpoint,
            "triggeredBy": "api",
            "attempt": 1,
            "scheduledTime": None,
            "lastSuccessfulTime": None,
            "upcoming": [],
        },
        "input": {},
    }


def build_request_context(
    known: Mapping[str, dict[str, Any]], request_id: str, user: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Give the JSON of ctx for one request; `user` is who asks, None where nobody had to say."""
    return {**known, "user": user, "execution": {**known["execution"], "id": request_id}}


def build_tenant(tenant: Tenant) -> dict[str, Any]:
    """Give what a script sees of whose it is."""
    return {"id": tenant.id, "name": tenant.name, "organizationId": tenant.organization_id}


def build_schedule(cron_script: "CronScript", execution: ScriptExecution, now: datetime) -> dict[str, Any]:
    """Give what a script sees of the schedule it runs for, beside its own slot."""
    # Most runs are of no schedule, and every run waits for what its pod imports.
    from scriptorium_api import schedule_problems, slots  # noqa: PLC0415
    from scriptorium_api.schedule import BadSchedule, read_schedule  # noqa: PLC0415

    spec, last = cron_script.spec, cron_script.status.last_successful_time
    fired_by = execution.spec.fired_by
    after = fired_by.scheduled_time if fired_by and fired_by.scheduled_time else now
    try:
        schedule, zone = read_schedule(spec.schedule), schedule_problems.find_zone(spec.time_zone)
    except (BadSchedule, schedule_problems.UnknownZone):
        # It was another one when this run was fired.
        upcoming = []
    else:
        upcoming = slots.list_upcoming(schedule, zone, after)
    return {
        "lastSuccessfulTime": format_time(last) if last else None,
        "upcoming": [format_time(slot) for slot in upcoming],
    }


def format_time(moment: datetime) -> str:
    """Write a moment as JavaScript's toISOString does, but for the milliseconds that it does not have."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def build_callee_context(caller: Mapping[str, Any], called: Start, value: dict[str, Any]) -> dict[str, Any]:
    """Give the JSON of ctx for a Script that is called by another: of the same tenant, user and run."""
    script = {"id": called.owner, "name": called.script, "type": "embedded", "version": None}
    return {**caller, "script": script, "input": value}


def _build_user(requester: Requester | None) -> dict[str, Any] | None:
    """Give who asked for the run; None where nobody vouches for anyone."""
    if requester is None:
        return None
    return {
        "id": requester.uid or requester.name,
        "name": requester.name,
        "email": requester.name if _is_address(requester.name) else None,
    }


def _is_address(name: str) -> bool:
    """Say whether a user name is an e-mail address, as it is where people sign in with theirs."""
    local, _, domain = name.rpartition("@")
    return bool(local) and "." in domain.strip(".") and not any(map(str.isspace, name))
