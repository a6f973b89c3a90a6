"""The runner pods of a pool."""

from collections.abc import Sequence

from scriptorium_api import names
from scriptorium_api.env import ValueRef
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build import env_volume, ownership, runner_pod
from scriptorium_operator.facts import Manifest, Tenant
from scriptorium_operator.settings import RunnerSettings

#: The runners' metrics and probes; the Service and the NetworkPolicy name it too.
METRICS_PORT = 8081


def build_deployment(
    pool: RunnerPool,
    tenant: Tenant,
    organization: str,
    runner: RunnerSettings,
    values: Sequence[ValueRef] = (),
) -> Manifest:
    """Give the Deployment; one pod more than asked for exists during a rollout, never one less."""
    pod = _build_pod(pool, _build_container(pool, tenant, organization, runner), runner)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": ownership.build_metadata(pool),
        "spec": {
            "replicas": pool.spec.replicas,
            "revisionHistoryLimit": 2,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "selector": {"matchLabels": names.runner_selector(pool.metadata.name)},
            "template": {
                "metadata": {"labels": names.runner_labels(pool.metadata.name)},
                "spec": env_volume.add_env_volume(pod, values),
            },
        },
    }


def _build_pod(pool: RunnerPool, container: Manifest, runner: RunnerSettings) -> Manifest:
    return runner_pod.build_pod_spec(pool, container, runner) | {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": names.runner_selector(pool.metadata.name)},
            }
        ],
    }


def _build_container(pool: RunnerPool, tenant: Tenant, organization: str, runner: RunnerSettings) -> Manifest:
    settings = {
        "SCRIPTORIUM_POOL": pool.metadata.name,
        "SCRIPT_VM_POOL_SIZE": str(pool.spec.workers_per_runner),
    }
    environment = runner_pod.build_environment(tenant, organization, settings)
    command = ("scriptorium-runner", "pool")
    ports = {"ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}]}
    container = runner_pod.build_container(command, environment, _build_resources(pool), runner)
    return container | ports | _build_probes()


def _build_resources(pool: RunnerPool) -> Manifest:
    return {key: value for key, value in pool.spec.resources.to_wire().items() if value}


def _build_probes() -> Manifest:
    live = {"httpGet": {"path": "/livez", "port": "metrics"}}
    ready = {"httpGet": {"path": "/readyz", "port": "metrics"}}
    return {
        # Up to 60 s to start: on a busy node the warm workers take their time.
        "startupProbe": live | {"periodSeconds": 1, "failureThreshold": 60, "timeoutSeconds": 2},
        "readinessProbe": ready | {"periodSeconds": 5, "failureThreshold": 2, "timeoutSeconds": 2},
        "livenessProbe": live | {"periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 5},
    }
