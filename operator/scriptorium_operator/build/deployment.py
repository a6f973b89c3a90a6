"""The runner pods of a pool."""

from collections.abc import Sequence

from scriptorium_api import names
from scriptorium_api.env import ValueRef
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build import env_volume, ownership, runner_pod
from scriptorium_operator.build.runner_pod import Place
from scriptorium_operator.endpoint_settings import TRUSTED_PROXIES
from scriptorium_operator.facts import Manifest

#: The runners' metrics and probes; the Service and the NetworkPolicy name it too.
METRICS_PORT = 8081

#: Where Endpoints are served, and where Scripts are invoked from inside the cluster.
HTTP_PORT, INTERNAL_PORT = 8080, 8082

PORTS = {"http": HTTP_PORT, "internal": INTERNAL_PORT, "metrics": METRICS_PORT}


def build_deployment(place: Place, values: Sequence[ValueRef] = ()) -> Manifest:
    """Give the Deployment; one pod more than asked for exists during a rollout, never one less."""
    pool, pod = place.pool, _build_pod(place)
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


def _build_pod(place: Place) -> Manifest:
    return runner_pod.build_pod_spec(place, _build_container(place)) | {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": names.runner_selector(place.pool.metadata.name)},
            }
        ],
    }


def _build_container(place: Place) -> Manifest:
    pool = place.pool
    settings = {
        "SCRIPTORIUM_POOL": pool.metadata.name,
        "SCRIPT_VM_POOL_SIZE": str(pool.spec.workers_per_runner),
        "SCRIPTORIUM_HTTP_PORT": str(HTTP_PORT),
    }
    if proxies := place.runner.endpoints.trusted_proxies:
        settings[TRUSTED_PROXIES] = ",".join(proxies)
    command = ("scriptorium-runner", "pool")
    ports = {
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"} for name, port in sorted(PORTS.items())
        ]
    }
    container = runner_pod.build_container(place, command, settings, _build_resources(pool))
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
