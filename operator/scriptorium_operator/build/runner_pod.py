"""What the pods that run scripts have in common: those of a pool, and those of single runs."""

from collections.abc import Iterable, Sequence

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.values import frozen
from scriptorium_operator.build import http_environment
from scriptorium_operator.facts import Address, Manifest, Tenant
from scriptorium_operator.settings import RunnerSettings, Settings

#: A runner that is told to stop takes requests for 5 s more, lets what is under way go
#: on for up to 30 s, and then needs a moment to settle its runs.
GRACE_SECONDS = 60

#: "nobody" of the image; a number, so that the kubelet can see that it is not root.
_USER = 65532


@frozen(kw_only=True)
class Place:
    """Where a pod belongs, and what is so of all pods there."""

    pool: RunnerPool
    tenant: Tenant
    organization: str
    runner: RunnerSettings
    api_server: tuple[Address, ...]


def build_place(pool: RunnerPool, tenant: Tenant, api_server: Iterable[Address], settings: Settings) -> Place:
    """Give the place of a pool's pods, and of those that its runs have of their own."""
    return Place(
        pool=pool,
        tenant=tenant,
        organization=tenant.labels.get(settings.organization_label, ""),
        runner=settings.runner,
        api_server=tuple(api_server),
    )


def build_pod_spec(place: Place, container: Manifest) -> Manifest:
    """Give the spec of a pod with this container, as the pool's account and where the pool's pods may be."""
    pool = place.pool
    pod: Manifest = {
        "serviceAccountName": names.pool_object_name(pool.metadata.name),
        # The runner speaks to the API server; the processes that run scripts never see the token.
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }
    return pod | _build_placement(pool) | _build_extras(place.runner)


def build_container(
    place: Place, command: Sequence[str], settings: dict[str, str], resources: Manifest
) -> Manifest:
    """Give the container that runs scripts; the settings are those of this kind of pod."""
    runner = place.runner
    return {
        "name": "runner",
        "image": runner.image,
        "imagePullPolicy": runner.pull_policy,
        "command": list(command),
        "env": [
            *_build_environment(place, settings),
            *http_environment.build_http_environment(runner.http, place.api_server),
            *({"name": name, "value": value} for name, value in runner.sandbox),
            *_build_relaxation(runner),
        ],
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the path inside the pod.
    }


def _build_relaxation(runner: RunnerSettings) -> list[Manifest]:
    return [] if runner.requires_landlock else [{"name": "SCRIPTORIUM_REQUIRE_LANDLOCK", "value": "false"}]


def _build_environment(place: Place, settings: dict[str, str]) -> list[Manifest]:
    """Give the environment: which pod it is, whose scripts it runs, and the settings given."""
    fields = {
        "POD_NAME": "metadata.name",
        "POD_UID": "metadata.uid",
        "POD_NAMESPACE": "metadata.namespace",
    }
    values = settings | {
        "SCRIPTORIUM_TENANT_ID": place.tenant.id,
        "SCRIPTORIUM_TENANT_NAME": place.tenant.name,
        # Without a value it is empty; the API server would drop an empty one, and we would miss it for ever.
        "SCRIPTORIUM_ORGANIZATION_ID": place.organization,
    }
    return [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()
    ] + [{"name": name} | ({"value": value} if value else {}) for name, value in values.items()]


def _build_placement(pool: RunnerPool) -> Manifest:
    selector: Manifest = {"nodeSelector": pool.spec.node_selector} if pool.spec.node_selector else {}
    tolerations = [toleration.to_wire() for toleration in pool.spec.tolerations]
    return selector | ({"tolerations": tolerations} if tolerations else {})


def _build_extras(runner: RunnerSettings) -> Manifest:
    secrets = [{"name": name} for name in runner.pull_secrets]
    extras: Manifest = {"imagePullSecrets": secrets} if secrets else {}
    return extras | ({"priorityClassName": runner.priority_class} if runner.priority_class else {})
