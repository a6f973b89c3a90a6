"""ScriptExecution: one run."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from scriptorium_api.base import Metadata, Model, Object, OpenObject, OpenValue, Timestamp, rule, validated_by
from scriptorium_api.conditions import Condition
from scriptorium_api.names import API_VERSION, MAX_CRON_SCRIPT_NAME, MAX_NAME, NAME_FORM
from scriptorium_api.permissions import ObjectName
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.script import Entrypoint, Limits, Source, check_name

#: An execution is read by every runner of its namespace; larger input belongs into a store, by reference.
MAX_INPUT_BYTES = 64 * 1024

#: Longer names and uids of those who ask for runs are not known to exist, and are not kept.
MAX_REQUESTER = 1024

#: Every attempt is kept in the status.
MAX_RETRIES = 20

_ONE_SOURCE = "give exactly one of scriptRef, source and cronScriptRef"
_INLINE_ONLY = "entrypoint and limits go with source; otherwise they are the Script's"
_SCHEDULES_OWN = "with cronScriptRef, input, timeoutSeconds and retry are the CronScript's"
_FIRED_NEEDS_SCRIPT = "firedBy goes with scriptRef: the run has its schedule's Script and input by itself"
_KEY_NEEDS_SCRIPT = "idempotencyKey goes with scriptRef: it is one key of one Script"
_IMMUTABLE = "spec is immutable but for cancel; create a new ScriptExecution instead"


CronScriptName = Annotated[str, Field(min_length=1, max_length=MAX_CRON_SCRIPT_NAME, pattern=NAME_FORM)]


def _fixed() -> dict[str, Any]:
    return validated_by(rule("self == oldSelf", _IMMUTABLE))


def _fixed_presence(*fields: str) -> list[dict[str, str]]:
    return [rule(f"has(self.{field}) == has(oldSelf.{field})", _IMMUTABLE) for field in fields]


class Trigger(StrEnum):
    """What asked for a run."""

    MANUAL = "Manual"
    CRON = "Cron"
    API = "Api"
    EVENT = "Event"
    SYSTEM = "System"


class Isolation(StrEnum):
    """Where a run's sandbox is."""

    POOL = "Pool"
    POD = "Pod"


class ScriptRef(Model):
    """A Script of the same namespace."""

    name: ObjectName
    """The Script's name."""


class CronScriptRef(Model):
    """A CronScript of the same namespace."""

    name: CronScriptName
    """The CronScript's name."""


class FiredBy(Model):
    """The schedule that made a run."""

    cron_script: CronScriptName
    """The CronScript's name."""
    scheduled_time: Timestamp | None = None
    """The slot that this is the run of; absent where its Job was started by hand."""
    job: ObjectName | None = None
    """The Job whose pod runs it, all attempts as long as that pod lives; absent where the pool runs it."""


class Requester(Model):
    """Who asked for a run, as the API server knows them."""

    name: str = Field(min_length=1, max_length=MAX_REQUESTER)
    """Their user name."""
    uid: str | None = Field(default=None, min_length=1, max_length=MAX_REQUESTER)
    """What tells them from others who have or had this name; absent where their sign-in has no such thing."""


class Retry(Model):
    """Whether and when a run whose attempt failed is run again.

    The pause doubles with each attempt, and up to a quarter is added by chance, so that runs that failed
    together do not come back together.
    """

    limit: int = Field(default=0, ge=0, le=MAX_RETRIES)
    """How many further attempts there are at most (default 0: none)."""
    backoff_seconds: int = Field(default=10, ge=1, le=3600)
    """The pause before the second attempt in seconds (default 10)."""
    max_backoff_seconds: int = Field(default=300, ge=1, le=86400)
    """The longest pause in seconds (default 300)."""


class ExecutionSpec(Model):
    """What to run: exactly one of scriptRef, source and cronScriptRef, and with which input."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule(
                "[has(self.scriptRef), has(self.source), has(self.cronScriptRef)].exists_one(given, given)",
                _ONE_SOURCE,
            ),
            rule("has(self.source) || !(has(self.entrypoint) || has(self.limits))", _INLINE_ONLY),
            rule("has(self.scriptRef) || !has(self.idempotencyKey)", _KEY_NEEDS_SCRIPT),
            rule(
                "!has(self.cronScriptRef)"
                " || !(has(self.input) || has(self.timeoutSeconds) || has(self.retry))",
                _SCHEDULES_OWN,
            ),
            rule("has(self.scriptRef) || !has(self.firedBy)", _FIRED_NEEDS_SCRIPT),
            *_fixed_presence(
                "scriptRef",
                "source",
                "cronScriptRef",
                "entrypoint",
                "limits",
                "input",
                "isolation",
                "timeoutSeconds",
                "startDeadlineSeconds",
                "retry",
                "ttlSecondsAfterFinished",
                "idempotencyKey",
                "requestedBy",
                "firedBy",
            ),
            rule("!oldSelf.cancel || self.cancel", "cancel cannot be taken back"),
        )
    )

    script_ref: ScriptRef | None = Field(default=None, json_schema_extra=_fixed())
    """The Script to run."""
    source: Source | None = Field(default=None, json_schema_extra=_fixed())
    """JavaScript to run instead of a Script's, at most 65536 bytes of UTF-8."""
    cron_script_ref: CronScriptRef | None = Field(default=None, json_schema_extra=_fixed())
    """Runs what a CronScript runs, now: with its Script, input, timeoutSeconds and retry, as they are when
    a runner takes the run. It is no slot of the schedule, and its triggeredBy is Manual."""
    entrypoint: Entrypoint | None = Field(default=None, json_schema_extra=_fixed())
    """With source: the function that is called with the input."""
    limits: Limits | None = Field(default=None, json_schema_extra=_fixed())
    """With source: what the run may use."""
    input: OpenObject | None = Field(default=None, json_schema_extra=_fixed())
    """What the script gets as input: an object of any JSON, at most 65536 bytes and 150 levels deep."""
    isolation: Annotated[Isolation, Field(strict=False)] = Field(
        default=Isolation.POOL, json_schema_extra=_fixed()
    )
    """Pool runs it in a warm worker of the namespace's runners, Pod in a pod of its own, which takes a second
    or two to start. What the script may do and what its status tells are the same."""
    timeout_seconds: int | None = Field(default=None, ge=1, le=3600, json_schema_extra=_fixed())
    """A shorter wall-clock limit in seconds for this run; it never lengthens the Script's."""
    start_deadline_seconds: int = Field(default=300, ge=1, le=604800, json_schema_extra=_fixed())
    """A run that has not started this many seconds after its creation fails (default 300); for a retry they
    count from when it was due."""
    retry: Retry | None = Field(default=None, json_schema_extra=_fixed())
    """Runs the script again after a ScriptError, a Timeout, or a failure of ours; never, if absent."""
    ttl_seconds_after_finished: int | None = Field(
        default=None, ge=0, le=31_536_000, json_schema_extra=_fixed()
    )
    """The run is removed this many seconds after its end; if absent, the history limits decide alone."""
    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        # What needs no escapes in a field selector.
        pattern=r"^[A-Za-z0-9._:/@+-]+$",
        json_schema_extra=_fixed(),
    )
    """Of all runs of the Script that were created within a day with this key, the first runs; the others end
    as Duplicate and name it. Such a run starts a second later, when it is sure which one is the first."""
    requested_by: Requester | None = Field(default=None, json_schema_extra=_fixed())
    """Who created the run, filled in at its creation; nobody can name another. Absent where unknown."""
    fired_by: FiredBy | None = Field(default=None, json_schema_extra=_fixed())
    """The schedule that made the run, filled in by Scriptorium; absent for all other runs."""
    cancel: bool = False
    """Set to true to stop the run, in any phase before its end."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "ExecutionSpec":
        if sum(each is not None for each in (self.script_ref, self.source, self.cron_script_ref)) != 1:
            raise ValueError(_ONE_SOURCE)
        if self.source is None and (self.entrypoint is not None or self.limits is not None):
            raise ValueError(_INLINE_ONLY)
        if self.script_ref is None and self.idempotency_key is not None:
            raise ValueError(_KEY_NEEDS_SCRIPT)
        schedules_own = (self.input, self.timeout_seconds, self.retry)
        if self.cron_script_ref is not None and any(each is not None for each in schedules_own):
            raise ValueError(_SCHEDULES_OWN)
        if self.script_ref is None and self.fired_by is not None:
            raise ValueError(_FIRED_NEEDS_SCRIPT)
        return self


class ErrorInfo(Model):
    """What went wrong in the script, in the author's own line numbers."""

    name: str = Field(max_length=256)
    """The error's name, such as TypeError."""
    message: str = Field(max_length=8192)
    """The error's message."""
    stack: str | None = Field(default=None, max_length=8192)
    """Where it happened: the script's own calls, innermost first."""
    line: int | None = Field(default=None, ge=1)
    """The line in the source, from 1."""
    column: int | None = Field(default=None, ge=1)
    """The column in the line, from 1."""


class LogLine(Model):
    """One call of console."""

    level: Literal["debug", "info", "warn", "error"]
    """The level; console.log is info."""
    message: str = Field(max_length=65536)
    """The first argument as text."""
    data: OpenValue | None = None
    """The other arguments, as JSON."""
    timestamp: str = Field(max_length=64, json_schema_extra={"format": "date-time"})
    """When it was called."""
    script: str | None = Field(default=None, max_length=MAX_NAME)
    """The Script that called it, where that is not the run's own but one that it has called."""


class Usage(Model):
    """What the run used; what cannot be known is absent."""

    cpu_ms: float | None = Field(default=None, ge=0)
    """CPU time of the worker for this run, in milliseconds."""
    peak_memory_mb: float | None = Field(default=None, ge=0)
    """Peak memory of the worker process during this run, in MiB."""
    api_calls: int | None = Field(default=None, ge=0)
    """Host calls that the script made, as far as they count towards limits.apiCalls."""


class Holder(Model):
    """The runner that took a run."""

    pod: str = Field(max_length=253)
    """The pod's name."""
    uid: str = Field(max_length=64)
    """The pod's UID."""
    start_id: str = Field(max_length=64)
    """Which start of the runner it was; a restarted container keeps its pod's UID."""


class Attempt(Model):
    """One attempt that has ended."""

    number: int = Field(ge=1)
    """Which attempt it was, from 1."""
    start_time: Timestamp | None = None
    """When a runner took it."""
    completion_time: Timestamp | None = None
    """When it ended."""
    reason: Annotated[Reason, Field(strict=False)]
    """Why it ended."""
    runner: str | None = Field(default=None, max_length=253)
    """The runner pod that took it."""


class ExecutionStatus(Model):
    """Where the run is and what came of it."""

    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that this status speaks of."""
    phase: Annotated[Phase, Field(strict=False)] = Phase.PENDING
    """Pending, Running, Succeeded, Failed, TimedOut or Cancelled."""
    reason: Annotated[Reason, Field(strict=False)] = Reason.QUEUED
    """Why the run is in its phase, from a closed list."""
    message: str | None = Field(default=None, max_length=8192)
    """The reason in a sentence: what happened and what to change."""
    triggered_by: Annotated[Trigger, Field(strict=False)] = Trigger.MANUAL
    """What asked for the run."""
    duplicate_of: str | None = Field(default=None, max_length=MAX_NAME)
    """The run that had the same idempotencyKey first."""
    replaced_by: str | None = Field(default=None, max_length=MAX_NAME)
    """The run of the same schedule that this one was cancelled for: of a later slot, as concurrencyPolicy
    Replace asks; or of one that was fired at the same moment, where only one may run."""
    output: OpenObject | None = None
    """What the script returned; anything but an object is under value."""
    error: ErrorInfo | None = None
    """What went wrong in the script."""
    logs: list[LogLine] = Field(default=[], max_length=4096)
    """What the script wrote to console, oldest first; the tail of it if logsTruncated."""
    logs_truncated: bool = False
    """Whether the oldest lines were cut to keep within limits.logKB."""
    logs_dropped: int | None = Field(default=None, ge=1)
    """How many lines were cut; absent if none was."""
    attempt: int = Field(default=0, ge=0)
    """Which attempt this is, from 1; 0 before the first."""
    attempts: list[Attempt] = Field(default=[], max_length=MAX_RETRIES + 1)
    """The attempts that have ended, oldest first."""
    next_attempt_time: Timestamp | None = None
    """While Retrying: when the next attempt is due."""
    runner: Holder | None = None
    """The runner that took the run."""
    start_time: Timestamp | None = None
    """When a runner took the run."""
    completion_time: Timestamp | None = None
    """When the run ended."""
    duration_ms: int | None = Field(default=None, ge=0)
    """Wall-clock time of the script in milliseconds."""
    duration: str | None = Field(default=None, max_length=32)
    """durationMs for people: 12ms, 1.4s, 2m3s."""
    start_latency_ms: int | None = Field(default=None, ge=0)
    """From the moment the runner saw the run to the first JavaScript, in milliseconds."""
    usage: Usage | None = None
    """What the run used."""
    source_hash: str | None = Field(default=None, max_length=128)
    """The SHA-256 of the source that ran."""
    script_version: int | None = Field(default=None, ge=1)
    """The Script's version that ran, where its status names that source."""
    conditions: list[Condition] = Field(default=[], max_length=8)
    """Complete (succeeded), Failed (failed, timed out or cancelled) and Finished (either)."""


class ScriptExecution(Object):
    """One run of a Script, or of source given with it: with its status, output, logs and reason."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule(
                f"self.metadata.name.size() <= {MAX_NAME}",
                f"the name must be at most {MAX_NAME} characters",
            )
        )
    )

    api_version: Literal["scriptorium.dev/v1alpha1"] = API_VERSION
    kind: Literal["ScriptExecution"] = "ScriptExecution"
    metadata: Metadata
    spec: ExecutionSpec
    """What to run."""
    status: ExecutionStatus = Field(
        default=ExecutionStatus(),
        json_schema_extra={
            "default": {"phase": Phase.PENDING, "reason": Reason.QUEUED, "triggeredBy": Trigger.MANUAL}
        },
    )
    """Where the run is; written by Scriptorium alone."""

    @property
    def is_cancelled(self) -> bool:
        """Say whether the run has to stop: somebody cancelled it, or a later slot takes its place."""
        return self.spec.cancel or self.status.replaced_by is not None

    @property
    def trigger(self) -> Trigger:
        """Give what asked for the run."""
        fired_by = self.spec.fired_by
        return Trigger.CRON if fired_by and fired_by.scheduled_time else self.status.triggered_by

    @model_validator(mode="after")
    def _has_short_name(self) -> "ScriptExecution":
        check_name(self.metadata)
        return self
