"""What a watch tells of an object, as values: as much as indexes and the work queue ask for."""

from collections.abc import Mapping

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.env import ValueRef
from scriptorium_api.values import frozen
from scriptorium_operator.cron_facts import CronRun, FiredJob
from scriptorium_operator.facts import EndedRun, Key, OwnPod


@frozen(kw_only=True)
class Notice:
    """An object appeared, changed or is gone; of the gone ones, only the key and the UID are sure."""

    key: Key
    uid: str
    generation: int
    labels: Mapping[str, str]
    is_gone: bool = False
    ended: EndedRun | None = None
    """Of a ScriptExecution that has ended: what came of it."""
    own_pod: OwnPod | None = None
    """Of a ScriptExecution that has a pod of its own: what that takes."""
    cron_run: CronRun | None = None
    """Of a ScriptExecution that belongs to a CronScript: what that one tells of it."""
    fired_job: FiredJob | None = None
    """Of a Job that a schedule made: which slot it is for."""
    owner: str = ""
    """Of a Job: the name of the run whose pod it is; of a CronJob: that of its CronScript."""
    values: frozenset[ValueRef] = frozenset()
    """Of a Script: what its env names of Secrets and ConfigMaps; of an Endpoint: what its auth names."""
    endpoint: Endpoint | None = None
    """Of an Endpoint: what it asks for; nothing that is large or changes by itself."""


@frozen
class InSync:
    """All that exists has been told."""
