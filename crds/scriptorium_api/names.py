"""Names and labels: the only place where either is put together."""

import hashlib
from datetime import datetime
from typing import Final

GROUP = "scriptorium.dev"
VERSION = "v1alpha1"
API_VERSION: Final = "scriptorium.dev/v1alpha1"

#: Longer names would not fit into a label's value, and every object we make carries its owner's name.
MAX_NAME = 63

#: A CronScript's runs are named for it and their slot, and that name has to fit too.
MAX_CRON_SCRIPT_NAME = 52

#: What names of objects look like, in what Python's and the API server's expressions have in common.
NAME_FORM = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
#: How long Kubernetes lets them be.
MAX_ANY_NAME = 253

#: The one RunnerPool that a namespace has in this version.
DEFAULT_POOL = "default"

#: The ClusterRole of the chart that the operator binds in each namespace with a pool.
RUNNER_ROLE = "scriptorium-runner"

#: Where a runner pod has the values that Scripts name in `env`, and Endpoints in `auth`.
VALUES_FOLDER = "/run/scriptorium/values"

MANAGER = "scriptorium-operator"

#: The label of a CronScript's runs, and of the Jobs and pods of its slots, that names it.
CRON_SCRIPT_LABEL = "scriptorium.dev/cron-script"

#: The annotation that tells which manifest the operator applied last.
APPLIED_HASH = "scriptorium.dev/applied-hash"

#: On a CronJob: by which terms the operator has it fire, whatever somebody else has made of its spec.
APPLIED_TERMS = "scriptorium.dev/applied-terms"


def source_hash(source: str) -> str:
    """Give the name of a source by its content."""
    return "sha256:" + hashlib.sha256(source.encode()).hexdigest()


def pool_object_name(pool: str) -> str:
    """Give the name that everything made for a pool carries; the prefix keeps it off users' names."""
    return f"scriptorium-runner-{pool}"


def runner_labels(pool: str) -> dict[str, str]:
    """Give the standard labels of everything made for a pool."""
    return {
        "app.kubernetes.io/name": "scriptorium",
        "app.kubernetes.io/component": "runner",
        "app.kubernetes.io/instance": pool,
        "app.kubernetes.io/part-of": "scriptorium",
        "app.kubernetes.io/managed-by": MANAGER,
    }


def run_job_name(uid: str, attempt: int) -> str:
    """Give the name of the Job of one attempt of a run, so that there is one at most."""
    return f"scriptorium-run-{uid}-{attempt}"


def cron_job_name(cron_script: str) -> str:
    """Give the name of a CronScript's CronJob: at most 52 characters, and nobody's by accident."""
    return f"{cron_script[:41].rstrip('-.')}-{_short_hash(f'CronJob/{cron_script}')}"


def slot_job_name(cron_script: str, slot: datetime) -> str:
    """Give the name of the Job that the CronJob controller makes for a slot."""
    return f"{cron_job_name(cron_script)}-{int(slot.timestamp()) // 60}"


def inline_script_name(owner: str, kind: str = "CronScript") -> str:
    """Give the name of the Script that a CronScript or an Endpoint owns for its inline script."""
    # What is cut off is in the hash: an Endpoint's name may be as long as a Script's.
    return f"{owner[:MAX_CRON_SCRIPT_NAME].rstrip('-.')}-{_short_hash(f'{kind}/{owner}')}"


def ingress_name(host: str, ingress_class: str, tls_secret: str) -> str:
    """Give the name of a namespace's Ingress for a host; class and Secret are empty where none is named."""
    place = _short_hash(f"{ingress_class}/{host}/{tls_secret}")
    return f"{host[:MAX_CRON_SCRIPT_NAME].rstrip('-.')}-{place}"


def ingress_labels() -> dict[str, str]:
    """Give the standard labels of the Ingresses of Endpoints."""
    return {
        "app.kubernetes.io/name": "scriptorium",
        "app.kubernetes.io/component": "endpoint",
        "app.kubernetes.io/part-of": "scriptorium",
        "app.kubernetes.io/managed-by": MANAGER,
    }


def inline_script_labels() -> dict[str, str]:
    """Give the standard labels of a Script that stands inline in another object."""
    return {
        "app.kubernetes.io/name": "scriptorium",
        "app.kubernetes.io/component": "script",
        "app.kubernetes.io/part-of": "scriptorium",
        "app.kubernetes.io/managed-by": MANAGER,
    }


def slot_run_name(cron_script: str, slot: datetime) -> str:
    """Give the name of the run of one slot, so that there is one at most: slots are whole minutes."""
    return f"{cron_script}-{int(slot.timestamp()) // 60}"


def fired_by(cron_script: str) -> str:
    """Give the field selector of the runs that a CronScript's slots have."""
    return f"spec.firedBy.cronScript={cron_script}"


def hand_run_name(cron_script: str, job_uid: str) -> str:
    """Give the name of the run of a Job that was started by hand, so that there is one at most."""
    return f"{cron_script}-{_short_hash(f'Job/{job_uid}')}"


def cron_run_labels(cron_script: str) -> dict[str, str]:
    """Give the labels of what a CronScript fires, for those who list them."""
    return {CRON_SCRIPT_LABEL: cron_script}


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def run_labels(pool: str) -> dict[str, str]:
    """Give the standard labels of a run's own pod and its Job; no pool's selector finds them."""
    return runner_labels(pool) | {"app.kubernetes.io/component": "run"}


def runner_selector(pool: str) -> dict[str, str]:
    """Give the labels that find a pool's pods; a Deployment's selector can never change."""
    return {
        "app.kubernetes.io/name": "scriptorium",
        "app.kubernetes.io/component": "runner",
        "app.kubernetes.io/instance": pool,
    }
