"""The runner pods of a pool."""

from collections.abc import Sequence

from scriptorium_api import names
from scriptorium_api.env import ValueRef
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build import env_volume, ownership
from scriptorium_operator.facts import Manifest, Tenant
from scriptorium_operator.settings import RunnerSettings

#: The runners' metrics and probes; the Service and the NetworkPolicy name it too.
METRICS_PORT = 8081

#: A runner that is told to stop lets its runs go on for up to 30 s, then needs a moment to settle them.
_GRACE_SECONDS = 60

#: "nobody" of the image; a number, so that the kubelet can see that it is not root.
_USER = 65532


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
    pod: Manifest = {
        "serviceAccountName": names.pool_object_name(pool.metadata.name),
        # The runner speaks to the API server; the processes that run scripts never see the token.
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": names.runner_selector(pool.metadata.name)},
            }
        ],
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }
    return pod | _build_placement(pool) | _build_extras(runner)


def _build_placement(pool: RunnerPool) -> Manifest:
    selector: Manifest = {"nodeSelector": pool.spec.node_selector} if pool.spec.node_selector else {}
    tolerations = [toleration.to_wire() for toleration in pool.spec.tolerations]
    return selector | ({"tolerations": tolerations} if tolerations else {})


def _build_extras(runner: RunnerSettings) -> Manifest:
    secrets = [{"name": name} for name in runner.pull_secrets]
    extras: Manifest = {"imagePullSecrets": secrets} if secrets else {}
    return extras | ({"priorityClassName": runner.priority_class} if runner.priority_class else {})


def _build_container(pool: RunnerPool, tenant: Tenant, organization: str, runner: RunnerSettings) -> Manifest:
    return {
        "name": "runner",
        "image": runner.image,
        "imagePullPolicy": runner.pull_policy,
        "command": ["scriptorium-runner", "pool"],
        "env": _build_environment(pool, tenant, organization),
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
        "resources": _build_resources(pool),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the path inside the pod.
    } | _build_probes()


def _build_environment(pool: RunnerPool, tenant: Tenant, organization: str) -> list[Manifest]:
    values = {
        "SCRIPTORIUM_POOL": pool.metadata.name,
        "SCRIPT_VM_POOL_SIZE": str(pool.spec.workers_per_runner),
        "SCRIPTORIUM_TENANT_ID": tenant.id,
        "SCRIPTORIUM_TENANT_NAME": tenant.name,
        # Without a value it is empty; the API server would drop an empty one, and we would miss it for ever.
        "SCRIPTORIUM_ORGANIZATION_ID": organization,
    }
    fields = {
        "POD_NAME": "metadata.name",
        "POD_UID": "metadata.uid",
        "POD_NAMESPACE": "metadata.namespace",
    }
    return [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()
    ] + [{"name": name} | ({"value": value} if value else {}) for name, value in values.items()]


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
