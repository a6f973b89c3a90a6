"""The kinds that we speak of, and their paths in the API."""

from typing import Any

from scriptorium_api.names import GROUP, VERSION
from scriptorium_api.values import frozen


@frozen
class Resource:
    """A kind as the API server's paths name it."""

    api_version: str
    kind: str
    plural: str
    is_namespaced: bool = True

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """Give the path of all, of a namespace's, or of one object."""
        root = "/api/" if "/" not in self.api_version else "/apis/"
        parts = [root + self.api_version]
        if namespace is not None and self.is_namespaced:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part is not None]
        return "/".join(parts)


SCRIPTS = Resource(f"{GROUP}/{VERSION}", "Script", "scripts")
EXECUTIONS = Resource(f"{GROUP}/{VERSION}", "ScriptExecution", "scriptexecutions")
CRON_SCRIPTS = Resource(f"{GROUP}/{VERSION}", "CronScript", "cronscripts")
ENDPOINTS = Resource(f"{GROUP}/{VERSION}", "Endpoint", "scriptendpoints")
RUNNER_POOLS = Resource(f"{GROUP}/{VERSION}", "RunnerPool", "runnerpools")
CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps")
PODS = Resource("v1", "Pod", "pods")
SERVICES = Resource("v1", "Service", "services")
SERVICE_ACCOUNTS = Resource("v1", "ServiceAccount", "serviceaccounts")
NAMESPACES = Resource("v1", "Namespace", "namespaces", is_namespaced=False)
EVENTS = Resource("v1", "Event", "events")
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
JOBS = Resource("batch/v1", "Job", "jobs")
CRON_JOBS = Resource("batch/v1", "CronJob", "cronjobs")
ROLES = Resource("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
NETWORK_POLICIES = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
INGRESSES = Resource("networking.k8s.io/v1", "Ingress", "ingresses")
DISRUPTION_BUDGETS = Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
LEASES = Resource("coordination.k8s.io/v1", "Lease", "leases")
CRDS = Resource(
    "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", is_namespaced=False
)

#: What anybody may ask the API server about themselves; nothing is stored.
SELF_SUBJECT_REVIEWS = Resource(
    "authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews", is_namespaced=False
)
SELF_SUBJECT_ACCESS_REVIEWS = Resource(
    "authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", is_namespaced=False
)

VALIDATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    is_namespaced=False,
)
MUTATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    is_namespaced=False,
)

_KNOWN = {
    (resource.api_version, resource.kind): resource
    for resource in (
        SCRIPTS,
        EXECUTIONS,
        CRON_SCRIPTS,
        ENDPOINTS,
        RUNNER_POOLS,
        CONFIG_MAPS,
        PODS,
        SERVICES,
        SERVICE_ACCOUNTS,
        NAMESPACES,
        EVENTS,
        DEPLOYMENTS,
        JOBS,
        CRON_JOBS,
        ROLES,
        ROLE_BINDINGS,
        NETWORK_POLICIES,
        INGRESSES,
        DISRUPTION_BUDGETS,
        LEASES,
        CRDS,
        VALIDATING_WEBHOOKS,
        MUTATING_WEBHOOKS,
    )
}


def of_manifest(manifest: dict[str, Any]) -> Resource:
    """Give the resource of a manifest; raises KeyError for a kind that we do not speak of."""
    return _KNOWN[manifest["apiVersion"], manifest["kind"]]
