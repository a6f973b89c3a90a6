"""The CustomResourceDefinitions, as a pure function of the models."""

from dataclasses import field
from typing import Any

from scriptorium_api.base import Object
from scriptorium_api.cron_script import CronScript
from scriptorium_api.descriptions import DescribedSchema
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.names import GROUP, VERSION
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script
from scriptorium_api.structural import build_schema, without_defaults
from scriptorium_api.values import frozen

Column = dict[str, Any]


def _column(name: str, path: str, description: str, *, is_wide: bool = False, kind: str = "string") -> Column:
    wide = {"priority": 1} if is_wide else {}
    return {"name": name, "type": kind, "jsonPath": path, "description": description} | wide


_AGE = _column("Age", ".metadata.creationTimestamp", "When the object was created.", kind="date")


@frozen(kw_only=True)
class KindNames:
    """How a kind is called on the wire, and what `kubectl get` shows of it."""

    model: type[Object]
    plural: str
    singular: str
    short_name: str
    columns: list[Column]
    subresources: dict[str, Any] = field(default_factory=lambda: {"status": {}})
    selectable: tuple[str, ...] = ()
    """The fields that `--field-selector` takes."""


KINDS = (
    KindNames(
        model=Script,
        plural="scripts",
        singular="script",
        short_name="scr",
        columns=[
            _column("Ready", ".status.conditions[?(@.type=='Ready')].status", "Whether runs can start."),
            _column("Reason", ".status.conditions[?(@.type=='Ready')].reason", "Why it is ready or not."),
            _column("Version", ".status.version", "How often the source changed.", kind="integer"),
            _column(
                "Suspended", ".spec.suspend", "Whether runs are held back.", kind="boolean", is_wide=True
            ),
            _column("Hash", ".status.sourceHash", "The SHA-256 of the source.", is_wide=True),
            _AGE,
        ],
    ),
    KindNames(
        model=ScriptExecution,
        plural="scriptexecutions",
        singular="scriptexecution",
        short_name="sx",
        columns=[
            _column("Script", ".spec.scriptRef.name", "The Script that runs."),
            _column("Phase", ".status.phase", "Where the run is."),
            _column("Reason", ".status.reason", "Why it is there."),
            _column("Trigger", ".status.triggeredBy", "What asked for the run."),
            _column("Duration", ".status.duration", "How long the script ran."),
            _column("Started", ".status.startTime", "When a runner took it.", kind="date", is_wide=True),
            _column(
                "Slot", ".spec.firedBy.scheduledTime", "The schedule's slot that it is of.", is_wide=True
            ),
            _column("Runner", ".status.runner.pod", "The runner pod that took it.", is_wide=True),
            _column("Error", ".status.error.message", "What went wrong in the script.", is_wide=True),
            _AGE,
        ],
        selectable=(
            ".spec.scriptRef.name",
            ".spec.firedBy.cronScript",
            ".spec.idempotencyKey",
            ".status.phase",
            ".status.reason",
        ),
    ),
    KindNames(
        model=CronScript,
        plural="cronscripts",
        singular="cronscript",
        short_name="csc",
        columns=[
            _column("Schedule", ".spec.schedule", "When it runs."),
            _column("Timezone", ".spec.timeZone", "Where the schedule's hours are meant."),
            _column("Suspend", ".spec.suspend", "Whether slots are skipped.", kind="boolean"),
            _column("Active", ".status.active", "Runs that have not ended.", kind="integer"),
            _column("Last", ".status.lastScheduleTime", "The last slot that was run.", kind="date"),
            # A date that is to come would be printed as <invalid>.
            _column("Next", ".status.nextScheduleTime", "The next slot."),
            _column("Missed", ".status.missedRuns", "Slots not run.", kind="integer", is_wide=True),
            _column("Ready", ".status.conditions[?(@.type=='Ready')].status", "Fit to run.", is_wide=True),
            _column("Result", ".status.lastExecution.phase", "How the last run ended.", is_wide=True),
            _AGE,
        ],
    ),
    KindNames(
        model=Endpoint,
        # "endpoints" is a kind of Kubernetes' own.
        plural="scriptendpoints",
        singular="scriptendpoint",
        short_name="sep",
        columns=[
            _column("URL", ".status.url", "Where it answers."),
            _column("Methods", ".status.methods", "What it answers to."),
            _column("Script", ".status.script", "The Script that answers."),
            _column("Ready", ".status.conditions[?(@.type=='Ready')].status", "Whether it answers."),
            _column("Reason", ".status.conditions[?(@.type=='Ready')].reason", "Why not.", is_wide=True),
            _AGE,
        ],
    ),
    KindNames(
        model=RunnerPool,
        plural="runnerpools",
        singular="runnerpool",
        short_name="rp",
        columns=[
            _column("Desired", ".spec.replicas", "Runner pods asked for.", kind="integer"),
            _column("Ready", ".status.ready", "Runner pods that take runs.", kind="integer"),
            _column("Workers", ".status.workers", "Scripts that can run at once.", kind="integer"),
            _column(
                "Per-Runner", ".spec.workersPerRunner", "Workers of a pod.", kind="integer", is_wide=True
            ),
            _AGE,
        ],
        subresources={
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
    ),
)


def build_crds() -> dict[str, dict[str, Any]]:
    """Give every CRD manifest by its file's name."""
    return {f"{kind.plural}.yaml": build_crd(kind) for kind in KINDS}


def build_crd(kind: KindNames) -> dict[str, Any]:
    """Give the CRD manifest of one kind."""
    described = kind.model.model_json_schema(
        by_alias=True, mode="validation", schema_generator=DescribedSchema
    )
    schema = build_schema(described)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "scriptorium", "app.kubernetes.io/part-of": "scriptorium"},
            # Removing the release must not remove every team's objects with it.
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.model.__name__,
                "listKind": f"{kind.model.__name__}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": [kind.short_name],
                "categories": ["scriptorium"],
            },
            "versions": [_build_version(kind, schema)],
        },
    }


def _build_version(kind: KindNames, schema: dict[str, Any]) -> dict[str, Any]:
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": kind.subresources,
        "additionalPrinterColumns": kind.columns,
        "schema": {"openAPIV3Schema": _build_root(schema)},
    }
    paths = [{"jsonPath": path} for path in kind.selectable]
    return version | ({"selectableFields": paths} if paths else {})


def _build_root(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave the root's own fields to the API server, which knows them better."""
    own = {
        "apiVersion": {"type": "string", "description": "The version of this schema."},
        "kind": {"type": "string", "description": "The kind of this object."},
        "metadata": {"type": "object"},
        "status": without_defaults(schema["properties"]["status"]),
    }
    required = ["spec"] if "default" not in schema["properties"]["spec"] else []
    root = schema | {"properties": schema["properties"] | own, "required": required}
    return root if required else {key: value for key, value in root.items() if key != "required"}
