"""What an Endpoint's status says."""

from datetime import datetime

from scriptorium_api import names
from scriptorium_api.conditions import Finding, merge_conditions
from scriptorium_api.endpoints.conflicts import Conflict
from scriptorium_api.endpoints.endpoint import Endpoint, EndpointStatus
from scriptorium_operator.build.deployment import HTTP_PORT
from scriptorium_operator.build.endpoint_readiness import HOST_NOT_ALLOWED, find_readiness
from scriptorium_operator.endpoint_facts import CONFLICT, PROGRAMMED, EndpointScene
from scriptorium_operator.facts import SCRIPT_FOUND, SECRETS_PENDING, SUSPENDED, Problem

_MOUNTED = Finding(
    type=SECRETS_PENDING,
    is_true=False,
    reason="Mounted",
    message="All runner pods have the Secrets that auth names, as soon as these exist.",
)


def build_endpoint_status(endpoint: Endpoint, scene: EndpointScene, now: datetime) -> EndpointStatus:
    """Give the status."""
    url, generation = build_url(endpoint), endpoint.metadata.generation
    others = [
        _find_programming(endpoint, scene),
        _find_conflict(endpoint, scene.standing.conflict),
        _find_script(endpoint, scene),
        _find_suspension(endpoint),
        *_find_secrets_pending(endpoint, scene),
    ]
    findings = [find_readiness(endpoint, scene, others), *others]
    return EndpointStatus(
        observed_generation=generation,
        url=url,
        methods=",".join(endpoint.spec.methods),
        script=scene.script_name,
        routes=[f"{method} {url}" for method in endpoint.spec.methods],
        conditions=merge_conditions(endpoint.status.conditions, findings, generation, now),
    )


def build_url(endpoint: Endpoint) -> str:
    """Give where an Endpoint is reached: by its host, else by the pool's Service inside the cluster."""
    spec = endpoint.spec
    if spec.host is None:
        service = names.pool_object_name(names.DEFAULT_POOL)
        return f"http://{service}.{endpoint.metadata.namespace}.svc:{HTTP_PORT}{spec.path}"
    return f"{'https' if spec.tls else 'http'}://{spec.host}{spec.path}"


def _find_programming(endpoint: Endpoint, scene: EndpointScene) -> Finding:
    host, standing = endpoint.spec.host, scene.standing
    if host is None:
        message = "There is no host and so no Ingress: the Service of the RunnerPool is the way in."
        return Finding(type=PROGRAMMED, is_true=True, reason="NoIngress", message=message)
    if not standing.is_allowed:
        message = (
            f"Host {host} is not one that this namespace may have: the platform team says which, by the"
            " chart's endpoints.allowedHosts."
        )
        return _not_programmed(HOST_NOT_ALLOWED, message)
    if not standing.is_served:
        return _not_programmed(CONFLICT, f"Path {endpoint.spec.path} of host {host} is another Endpoint's.")
    if scene.ingress is None:
        # It is put in place before this is asked.
        refusal = scene.problem or Problem("IngressMissing", "The Ingress is not there.")
        return _not_programmed(refusal.reason, refusal.message[:2048])
    published = ", ".join(scene.ingress.addresses)
    where = f"published at {published}" if published else "its controller has published no address"
    message = f"Ingress {scene.ingress.name} is in place; {where}."
    return Finding(type=PROGRAMMED, is_true=True, reason=PROGRAMMED, message=message[:2048])


def _not_programmed(reason: str, message: str) -> Finding:
    return Finding(type=PROGRAMMED, is_true=False, reason=reason, message=message)


def _find_conflict(endpoint: Endpoint, conflict: Conflict | None) -> Finding:
    if conflict is None:
        message = "Nobody older asks for the same."
        return Finding(type=CONFLICT, is_true=False, reason="NoConflict", message=message)
    if conflict.with_name is None:
        message = f"Host {endpoint.spec.host} is taken: give another one."
        return Finding(type=CONFLICT, is_true=True, reason="HostTaken", message=message)
    lost = ",".join(conflict.methods)
    place = (endpoint.spec.host or "") + endpoint.spec.path
    with_whom = f"{endpoint.metadata.namespace}/{conflict.with_name}"
    message = f"{lost} of {place} is of the older Endpoint {with_whom}: give another host, path or method."
    return Finding(type=CONFLICT, is_true=True, reason=CONFLICT, message=message)


def _find_script(endpoint: Endpoint, scene: EndpointScene) -> Finding:
    missing = [*([] if scene.script else [scene.script_name]), *scene.missing]
    if not missing:
        message = f"Script {scene.script_name} is there."
        return Finding(type=SCRIPT_FOUND, is_true=True, reason=SCRIPT_FOUND, message=message)
    is_own = endpoint.spec.script is not None and missing[0] == scene.script_name
    cure = "the operator makes it" if is_own else "create it, or change the name"
    return Finding(
        type=SCRIPT_FOUND,
        is_true=False,
        reason="ScriptNotFound",
        message=f"Script {missing[0]} does not exist in this namespace: {cure}.",
    )


def _find_suspension(endpoint: Endpoint) -> Finding:
    if endpoint.spec.suspend:
        message = "Requests get 404 while spec.suspend is true."
        return Finding(type=SUSPENDED, is_true=True, reason=SUSPENDED, message=message)
    return Finding(type=SUSPENDED, is_true=False, reason="Serving", message="Requests are not held off.")


def _find_secrets_pending(endpoint: Endpoint, scene: EndpointScene) -> list[Finding]:
    """Say whether runners lack Secrets of auth; nothing where it names none.

    Whether a Secret exists nobody here knows: the operator may not read any.
    """
    if not scene.secrets:
        return []
    pool = scene.pool
    lacking = sorted(scene.secrets - (pool.values if pool else frozenset()))
    if not lacking:
        return [_MOUNTED]
    if pool and pool.problem:
        return [Finding(type=SECRETS_PENDING, is_true=True, reason="TooManyValues", message=pool.problem)]
    if _were_mounted(endpoint):
        # Pods that came since have them too, whether all of them are known or not.
        return [_MOUNTED]
    message = f"Runner pods are being replaced; those of before lack {lacking[0]}."
    return [Finding(type=SECRETS_PENDING, is_true=True, reason="RunnersStarting", message=message)]


def _were_mounted(endpoint: Endpoint) -> bool:
    """Say whether all runner pods had the Secrets already that this very spec names."""
    former = next((each for each in endpoint.status.conditions if each.type == SECRETS_PENDING), None)
    is_of_now = endpoint.status.observed_generation == endpoint.metadata.generation
    return is_of_now and former is not None and former.status == "False"
