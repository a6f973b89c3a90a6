"""From a Job, its pods and their events to what they say of a run."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from scriptorium_operator.facts import Manifest, RunPod, Trouble

#: A pod that is on its way out for longer is on a node that does not answer.
_LOST_AFTER = timedelta(seconds=30)

#: What the kubelet says of every pod that has just been placed.
_USUAL_WAITS = {"ContainerCreating", "PodInitializing"}

#: What Jobs say of pods that failed; the pods say it better.
_VAGUE = {"BackoffLimitExceeded"}


def read_run_pod(
    job: Manifest | None, pods: list[Manifest], events: list[Manifest], now: datetime | None = None
) -> RunPod | None:
    """Give what there is; None if neither Job nor pod is there."""
    if job is None and not pods:
        return None
    moment = now or datetime.now(UTC)
    alive = [pod for pod in pods if _is_alive(pod, moment)]
    return RunPod(
        job_uid=job["metadata"]["uid"] if job else None,
        is_over=not alive and (job is None or _has_ended(job)),
        # What kept its pod for a while does not count for a Job that ended well.
        trouble=None if job and _has_succeeded(job) else next(_find_troubles(job, pods, events), None),
        is_running=any(pod.get("status", {}).get("phase") == "Running" for pod in alive),
    )


def _is_alive(pod: Manifest, now: datetime) -> bool:
    going = pod["metadata"].get("deletionTimestamp")
    if going and now - datetime.fromisoformat(going) > _LOST_AFTER:
        return False
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


#: What a Job says of itself that makes no more pods: it has ended, or is about to.
_SUCCESS, _FAILURE = {"Complete", "SuccessCriteriaMet"}, {"Failed", "FailureTarget"}


def _has_ended(job: Manifest) -> bool:
    return bool(_list_true(job) & (_SUCCESS | _FAILURE))


def _has_succeeded(job: Manifest) -> bool:
    return bool(_list_true(job) & _SUCCESS)


def _list_true(job: Manifest) -> set[str]:
    return {each["type"] for each in _conditions(job) if each["status"] == "True"}


def _find_troubles(job: Manifest | None, pods: list[Manifest], events: list[Manifest]) -> Iterator[Trouble]:
    """Give what the platform says, the most telling first."""
    vague: list[Trouble] = []
    failures = list(_read_job(job)) if job else []
    yield from (failure for failure in failures if failure.reason not in _VAGUE)
    for pod in pods:
        for trouble in _read_pod(pod):
            # A container's bare exit code says less than anything else about it.
            if trouble.reason == "Error":
                vague.append(trouble)
            else:
                yield trouble
    yield from _read_events(events)
    yield from vague
    yield from failures


def _read_job(job: Manifest) -> Iterator[Trouble]:
    for condition in _conditions(job):
        if condition["type"] in ("Failed", "FailureTarget") and condition["status"] == "True":
            yield Trouble(condition.get("reason", "Failed"), condition.get("message", ""))


def _read_pod(pod: Manifest) -> Iterator[Trouble]:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    if reason := status.get("reason"):
        yield Trouble(reason, _place(name, status.get("message", "")))
    for condition in _conditions(pod):
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            yield Trouble(condition.get("reason", "Disrupted"), _place(name, condition.get("message", "")))
    for container in status.get("containerStatuses", []):
        yield from _read_container(name, container)
    for condition in _conditions(pod):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield Trouble(condition.get("reason", "Unschedulable"), condition.get("message", ""))


def _read_container(pod: str, container: Manifest) -> Iterator[Trouble]:
    state = container.get("state", {})
    if (ended := state.get("terminated")) and ended.get("exitCode"):
        code = f"exit code {ended['exitCode']}"
        reason, told = ended.get("reason") or "Error", ended.get("message")
        # What the runner said of its end is worth more than the word that stands there for any failure.
        yield Trouble(code if told and reason == "Error" else reason, _place(pod, told or code))
    waiting = state.get("waiting")
    if waiting and waiting.get("reason") not in _USUAL_WAITS:
        yield Trouble(waiting.get("reason") or "Waiting", _place(pod, waiting.get("message", "")))


def _read_events(events: list[Manifest]) -> Iterator[Trouble]:
    failures = [event for event in events if event.get("reason") == "FailedCreate"]
    for event in sorted(failures, key=lambda each: each.get("lastTimestamp") or "", reverse=True):
        yield Trouble("FailedCreate", event.get("message", ""))


def _conditions(item: Manifest) -> Iterable[Manifest]:
    return item.get("status", {}).get("conditions") or []


def _place(pod: str, message: str) -> str:
    return f"pod {pod}: {message}" if message else f"pod {pod}"
