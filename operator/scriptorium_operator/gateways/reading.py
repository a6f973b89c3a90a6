"""From raw objects to facts: nothing beyond this module looks into a live object."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from scriptorium_api import names
from scriptorium_api.endpoints import references
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.env import Origin, ValueRef
from scriptorium_api.execution import Isolation, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_operator.cron_facts import CronRun, FiredJob, Terms
from scriptorium_operator.facts import (
    Address,
    ConfigMapContent,
    Controller,
    EndedRun,
    Key,
    Kind,
    Manifest,
    OwnPod,
    RunnerCounts,
    Tenant,
)
from scriptorium_operator.gateways.reading_endpoints import read_claimant
from scriptorium_operator.notices import Notice

#: For so long a run with an idempotency key is the first of it, so for so long it is kept.
REMEMBERED = timedelta(hours=24)

#: The run of a Job that was made by hand is kept at least so long after its end: the Job, which stays for 5
#: minutes, would look as if it had none.
OUTLIVES_JOB = timedelta(minutes=10)

#: What an Event can hold of a message.
_MOST_MESSAGE = 1000

_PHASES = {phase.value: phase for phase in Phase}
_REASONS = {reason.value: reason for reason in Reason}

_ENDS = {phase.value for phase in Phase if phase.is_terminal}


def read_notice(kind: Kind, item: Manifest, *, is_gone: bool) -> Notice:
    """Give what an object's metadata says."""
    metadata = item["metadata"]
    endpoint = read_claimant(item) if kind is Kind.ENDPOINT and not is_gone else None
    return Notice(
        key=Key(kind, metadata.get("namespace", ""), metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        labels=metadata.get("labels") or {},
        is_gone=is_gone,
        ended=read_ended_run(item) if kind is Kind.EXECUTION and not is_gone else None,
        own_pod=_read_own_pod(item) if kind is Kind.EXECUTION and not is_gone else None,
        cron_run=read_cron_run(item) if kind is Kind.EXECUTION and not is_gone else None,
        fired_job=read_fired_job(item) if kind is Kind.JOB and not is_gone else None,
        owner=find_owner(item, _OWNERS[kind]) if kind in _OWNERS else "",
        values=_read_named_values(kind, item, endpoint) if not is_gone else frozenset(),
        endpoint=endpoint,
    )


def _read_named_values(kind: Kind, item: Manifest, endpoint: Endpoint | None) -> frozenset[ValueRef]:
    if kind is Kind.SCRIPT:
        return read_values(item)
    return references.list_secrets(endpoint) if endpoint else frozenset()


#: What a newer version of the API may add is none of our business.
_ORIGINS = {"secretKeyRef": Origin.SECRET, "configMapKeyRef": Origin.CONFIG_MAP}


def read_values(script: Manifest) -> frozenset[ValueRef]:
    """Give what a Script's env names of Secrets and ConfigMaps."""
    return frozenset(
        ValueRef(_ORIGINS[field], reference["name"], reference["key"])
        for entry in script["spec"].get("env", [])
        for field, reference in entry.get("valueFrom", {}).items()
        if field in _ORIGINS
    )


def _read_own_pod(item: Manifest) -> OwnPod | None:
    spec = item["spec"]
    if spec.get("isolation") != Isolation.POD:
        return None
    return OwnPod(spec.get("scriptRef", {}).get("name", ""))


#: What owns those whose owner is told; a CronJob's Jobs have another, and are no run's.
_OWNERS = {Kind.JOB: "ScriptExecution", Kind.CRON_JOB: "CronScript"}


def find_owner(item: Manifest, kind: str) -> str:
    """Give the name of what controls the object, if that is of this kind; else nothing."""
    controller = find_controller(item)
    return controller.name if controller and controller.kind == kind else ""


def read_cron_run(item: Manifest) -> CronRun | None:
    """Give what a run tells its CronScript, if a schedule made it."""
    metadata, status = item["metadata"], item.get("status") or {}
    fired_by = item["spec"].get("firedBy")
    if fired_by is None:
        return None
    return CronRun(
        cron_script=Key(Kind.CRON_SCRIPT, metadata["namespace"], fired_by["cronScript"]),
        name=metadata["name"],
        uid=metadata["uid"],
        slot=_read_time(fired_by.get("scheduledTime")),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        phase=_PHASES.get(status.get("phase", Phase.PENDING)),
        reason=_REASONS.get(status.get("reason", Reason.QUEUED)),
        completed=None if is_unfinished(item) else _read_time(status.get("completionTime")),
        is_unfinished=is_unfinished(item),
        job=fired_by.get("job", ""),
        owner=next(
            (each["uid"] for each in metadata.get("ownerReferences", []) if each.get("controller")), ""
        ),
    )


#: The CronJob controller writes the slot there; a Job that somebody made of the CronJob has none.
_SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def read_fired_job(item: Manifest) -> FiredJob | None:
    """Give what a Job's metadata says of its slot; None if it is no schedule's, is going, or makes no sense.

    Who may make Jobs can give them any label and annotation: what is wrong there is not taken for true.
    """
    metadata = item["metadata"]
    cron_script = (metadata.get("labels") or {}).get(names.CRON_SCRIPT_LABEL, "")
    # kubectl does not make the CronJob the controller of what it makes of it.
    owners = [each["name"] for each in metadata.get("ownerReferences", []) if each["kind"] == Kind.CRON_JOB]
    if owners != [names.cron_job_name(cron_script)] or "deletionTimestamp" in metadata:
        return None
    try:
        slot = _read_time((metadata.get("annotations") or {}).get(_SCHEDULED))
    except ValueError:
        return None
    if slot is not None and slot.tzinfo is None:
        return None
    namespace = metadata["namespace"]
    return FiredJob(
        key=Key(Kind.JOB, namespace, metadata["name"]),
        uid=metadata["uid"],
        cron_job=Key(Kind.CRON_JOB, namespace, owners[0]),
        cron_script=Key(Kind.CRON_SCRIPT, namespace, cron_script),
        slot=slot,
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
    )


def read_terms(cron_job: Manifest) -> Terms | None:
    """Give by which terms we had a CronJob fire; None of one that fires no more.

    What was applied counts, not what somebody has made of it since: the CronScript never had such slots.
    """
    applied = (cron_job["metadata"].get("annotations") or {}).get(names.APPLIED_TERMS)
    try:
        return _read_terms(cron_job["spec"]) if applied is None else _read_terms(json.loads(applied))
    except (ValueError, TypeError, KeyError, AttributeError):
        # Not ours any more: somebody has written into it.
        return _read_terms(cron_job["spec"])


def _read_terms(spec: Manifest | None) -> Terms | None:
    if spec is None:
        return None
    # Ours always name their time zone.
    return Terms(
        schedule=str(spec["schedule"]),
        time_zone=str(spec.get("timeZone") or ""),
        is_suspended=bool(spec.get("suspend")),
    )


def has_active_jobs(cron_job: Manifest) -> bool:
    """Say whether Jobs of a CronJob go on, as far as its controller has seen."""
    return bool((cron_job.get("status") or {}).get("active"))


def _read_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def read_execution(item: Manifest) -> ScriptExecution:
    """Give a run without its input, which may be deeper than a model can hold."""
    spec = {key: value for key, value in item["spec"].items() if key != "input"}
    return ScriptExecution.from_stored(item | {"spec": spec})


def read_ended_run(item: Manifest) -> EndedRun | None:
    """Give what came of a run; None while it has not ended."""
    if is_unfinished(item):
        return None
    metadata, spec, status = item["metadata"], item["spec"], item["status"]
    created = datetime.fromisoformat(metadata["creationTimestamp"])
    completed = status.get("completionTime")
    ended, fired_by = datetime.fromisoformat(completed) if completed else created, spec.get("firedBy") or {}
    return EndedRun(
        key=Key(Kind.EXECUTION, metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        script=spec.get("scriptRef", {}).get("name", ""),
        phase=status["phase"],
        reason=status.get("reason", ""),
        message=status.get("message", "")[:_MOST_MESSAGE],
        ended=ended,
        ttl_seconds=spec.get("ttlSecondsAfterFinished"),
        size=len(json.dumps(item)),
        cron_script=fired_by.get("cronScript", ""),
        slot=_read_time(fired_by.get("scheduledTime")),
        kept_until=_find_end_of_keeping(item, created, ended),
    )


def _find_end_of_keeping(item: Manifest, created: datetime, ended: datetime) -> datetime | None:
    spec = item["spec"]
    # Who was a duplicate is nobody's first.
    if "idempotencyKey" in spec and item["status"].get("reason") != Reason.DUPLICATE:
        return created + REMEMBERED
    fired_by = spec.get("firedBy") or {}
    is_by_hand = "job" in fired_by and "scheduledTime" not in fired_by
    return ended + OUTLIVES_JOB if is_by_hand else None


def read_tenant(item: Manifest) -> Tenant | None:
    """Give the namespace, or None if it is being deleted."""
    metadata = item["metadata"]
    if "deletionTimestamp" in metadata:
        return None
    return Tenant(id=metadata["uid"], name=metadata["name"], labels=metadata.get("labels") or {})


def read_config_map(item: Manifest) -> ConfigMapContent:
    """Give what a ConfigMap holds."""
    return ConfigMapContent(texts=item.get("data") or {}, binary_keys=frozenset(item.get("binaryData") or {}))


def read_addresses(endpoint_slice: Manifest, service: Manifest) -> list[Address]:
    """Give the API server's own addresses and that of its Service.

    Some networks judge a packet before the Service's address is replaced, others after.
    """
    ips = [ip for endpoint in endpoint_slice["endpoints"] or [] for ip in endpoint["addresses"]]
    own = [Address(ip, port["port"]) for ip in ips for port in endpoint_slice["ports"] or []]
    spec = service["spec"]
    virtual = [Address(ip, port["port"]) for ip in spec["clusterIPs"] for port in spec["ports"]]
    return sorted({*own, *virtual}, key=lambda address: (address.port, address.ip))


def read_counts(deployment: Manifest) -> RunnerCounts:
    """Give what a Deployment tells of its pods; a new one has no status yet."""
    status = deployment.get("status") or {}
    return RunnerCounts(
        pods=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        updated=status.get("updatedReplicas", 0),
        is_observed=status.get("observedGeneration", 0) >= deployment["metadata"]["generation"],
        trouble=_read_trouble(status.get("conditions") or []),
    )


def _read_trouble(conditions: Iterable[Manifest]) -> tuple[str, str] | None:
    for condition in conditions:
        is_refused = condition["type"] == "ReplicaFailure" and condition["status"] == "True"
        is_stuck = condition["type"] == "Progressing" and condition["status"] == "False"
        if is_refused or is_stuck:
            return str(condition.get("reason") or condition["type"]), str(condition.get("message", ""))
    return None


def is_unfinished(execution: Manifest) -> bool:
    """Say whether a ScriptExecution has not ended."""
    status = execution.get("status") or {}
    # A phase that a newer version added is no end that this one could know of.
    return status.get("phase") not in _ENDS


def has_other_managers(item: Manifest) -> bool:
    """Say whether somebody else has set fields of an object that we applied."""
    return any(entry.get("manager") != names.MANAGER for entry in item["metadata"].get("managedFields", []))


def is_owned_by(item: Manifest, uid: str) -> bool:
    """Say whether the object with this UID owns the item."""
    return any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", []))


def find_controller(item: Manifest) -> Controller | None:
    """Give whose an object is, if it is anybody's: it goes when that one goes."""
    owners = item["metadata"].get("ownerReferences", [])
    found = next((owner for owner in owners if owner.get("controller")), None)
    return Controller(found["kind"], found["name"], found["uid"]) if found else None
