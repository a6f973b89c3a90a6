"""The CronJob that a CronScript becomes: each of its Jobs is a pod that is the runner itself."""

import json
import math

from scriptorium_api import names, owners, retry, slot_verdicts
from scriptorium_api.cron_script import CronScript, CronScriptSpec, MissedRuns
from scriptorium_api.env import ValueRef
from scriptorium_api.execution import ExecutionSpec
from scriptorium_api.script import Limits
from scriptorium_api.values import frozen
from scriptorium_operator.build import env_volume, pool_objects, run_job, runner_pod
from scriptorium_operator.build.runner_pod import Place
from scriptorium_operator.facts import Manifest

#: Until a slot's pod has started, its image pulled: no less however late the schedule wants its slots run.
START_SECONDS = 300

#: So long an attempt may wait for its Script: the runs of slots have no other deadline.
_WAIT_SECONDS: int = ExecutionSpec.model_fields["start_deadline_seconds"].default

#: To judge what is left of an outage and to begin the next run of it: some requests to a busy API server.
_NEXT_SECONDS = 5

#: Jobs that ended are kept for their pods' logs alone: what came of a slot is in its run.
_MOST_SUCCEEDED, _MOST_FAILED = 3, 5

#: The Job controller puts it on each pod; by it the runner finds its Job, which alone knows the slot.
_JOB_NAME = "metadata.labels['batch.kubernetes.io/job-name']"


@frozen(kw_only=True)
class CronOrder:
    """What a schedule's pods are for, and what they may use."""

    cron_script: CronScript
    limits: Limits
    """Those of its Script; the default ones as long as there is none."""
    values: tuple[ValueRef, ...] = ()
    """What the Script's env names of Secrets and ConfigMaps."""
    is_retired: bool = False
    """It fires nothing any more, and is there for the Jobs alone that go on: they would go with it."""


def build_cron_job(order: CronOrder, place: Place) -> Manifest:
    """Give the CronJob: it starts a pod for each slot, and leaves it to that pod whether the slot is run.

    So it allows what the schedule may forbid, and has no deadline of its own: a slot that Kubernetes itself
    left out would leave no trace, while a pod that comes late says what became of its slot.
    """
    metadata, spec = order.cron_script.metadata, order.cron_script.spec
    return pool_objects.seal(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {
                "name": names.cron_job_name(metadata.name),
                "namespace": metadata.namespace,
                "labels": names.run_labels(place.pool.metadata.name),
                "annotations": {names.APPLIED_TERMS: _write_terms(order)},
                "ownerReferences": [owners.build_owner("CronScript", metadata)],
            },
            "spec": {
                "schedule": spec.schedule,
                "timeZone": spec.time_zone,
                "suspend": spec.suspend or order.is_retired,
                "concurrencyPolicy": "Allow",
                "successfulJobsHistoryLimit": min(spec.successful_runs_history_limit, _MOST_SUCCEEDED),
                # One in any case: what befell a pod before it judged its slot is to be seen there alone.
                "failedJobsHistoryLimit": max(1, min(spec.failed_runs_history_limit, _MOST_FAILED)),
                "jobTemplate": _build_job(order, place),
            },
        }
    )


def _write_terms(order: CronOrder) -> str:
    spec = order.cron_script.spec
    if order.is_retired:
        return "null"
    return json.dumps({"schedule": spec.schedule, "timeZone": spec.time_zone, "suspend": spec.suspend})


def _build_job(order: CronOrder, place: Place) -> Manifest:
    metadata = order.cron_script.metadata
    # A Job names its CronJob alone; whose slots its pod is for is told by the label.
    labels = names.run_labels(place.pool.metadata.name) | names.cron_run_labels(metadata.name)
    bare = runner_pod.build_pod_spec(place, _build_container(order, place))
    pod = env_volume.add_env_volume(bare, order.values)
    return {
        "metadata": {"labels": labels},
        "spec": {
            # Retries are the run's own: were they the Job's too, they would multiply.
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": _sum_seconds(order),
            "ttlSecondsAfterFinished": run_job.KEPT_SECONDS,
            "template": {
                "metadata": {"labels": labels},
                "spec": pod | _build_placement(order.cron_script) | {"restartPolicy": "Never"},
            },
        },
    }


def _build_placement(cron_script: CronScript) -> Manifest:
    """Give where the pods may be, as far as the schedule says so itself; else it is where the pool's are."""
    spec = cron_script.spec
    selector: Manifest = {} if spec.node_selector is None else {"nodeSelector": spec.node_selector}
    if spec.tolerations is None:
        return selector
    return selector | {"tolerations": [toleration.to_wire() for toleration in spec.tolerations]}


def _sum_seconds(order: CronOrder) -> int:
    """Give how long a slot's pod may take: all attempts and the pauses between them are one pod's."""
    spec = order.cron_script.spec
    begin = spec.jitter_seconds + START_SECONDS
    work = _count_runs(spec) * (_sum_run(order) + _NEXT_SECONDS) - _NEXT_SECONDS
    return math.ceil(begin + work + runner_pod.GRACE_SECONDS + run_job.MARGIN_SECONDS)


def _count_runs(spec: CronScriptSpec) -> int:
    """Give how many runs follow each other while a pod is there, at most.

    After an outage it makes those that RunAll asks for, and before them it may have to wait for another one.
    """
    return 1 + slot_verdicts.MOST_CAUGHT_UP if spec.missed_runs is MissedRuns.RUN_ALL else 1


def _sum_run(order: CronOrder) -> float:
    """Give how long one run may take, with all of its attempts."""
    spec = order.cron_script.spec
    timeout = min(order.limits.timeout_seconds, spec.timeout_seconds or order.limits.timeout_seconds)
    attempts, pauses = 1, 0.0
    if spec.retry is not None:
        attempts += spec.retry.limit
        pauses = sum(retry.find_pause(spec.retry, number) for number in range(1, attempts))
    return attempts * (_WAIT_SECONDS + timeout) + pauses * (1 + retry.SPREAD)


def _build_container(order: CronOrder, place: Place) -> Manifest:
    metadata, spec = order.cron_script.metadata, order.cron_script.spec
    settings = {
        "SCRIPTORIUM_CRON_SCRIPT": metadata.name,
        "SCRIPTORIUM_CRON_SCRIPT_UID": metadata.uid,
        # A CronJob fires by the terms of when it was written; with no operator there it stays as it was.
        "SCRIPTORIUM_CRON_SCHEDULE": spec.schedule,
        "SCRIPTORIUM_CRON_TIME_ZONE": spec.time_zone,
    }
    resources = _build_resources(order)
    container = runner_pod.build_container(place, ("scriptorium-runner", "run"), settings, resources)
    job = {"name": "SCRIPTORIUM_JOB", "valueFrom": {"fieldRef": {"fieldPath": _JOB_NAME}}}
    return container | {"env": [*container["env"], job]}


def _build_resources(order: CronOrder) -> Manifest:
    resources = order.cron_script.spec.resources
    if resources is None:
        return run_job.build_resources(order.limits)
    return {key: value for key, value in resources.to_wire().items() if value}
