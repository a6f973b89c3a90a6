"""CronScript: a schedule."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from scriptorium_api import schedule
from scriptorium_api.base import Metadata, Model, Object, OpenObject, Timestamp, rule, validated_by
from scriptorium_api.conditions import Condition
from scriptorium_api.execution import Retry, ScriptRef
from scriptorium_api.names import API_VERSION, MAX_CRON_SCRIPT_NAME, MAX_NAME
from scriptorium_api.placement import Resources, Toleration
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.script import Code

#: The CronJob controller looks every ten seconds; a shorter deadline might never be met.
LEAST_STARTING_DEADLINE = 10

#: How many slots that were not run the status tells of one by one; the counts tell of all.
MAX_MISSES = 10

_ONE_SCRIPT = "give exactly one of scriptRef and script"
_JOB_ONLY = (
    "resources, nodeSelector and tolerations go with executor: Job; with Pool they are the RunnerPool's"
)
_NAME_TOO_LONG = f"the name must be at most {MAX_CRON_SCRIPT_NAME} characters"
_BAD_ZONE = "timeZone must be the name of a time zone, such as Europe/Berlin or UTC"


def _check_schedule(text: str) -> str:
    if flaw := schedule.find_flaw(text):
        raise ValueError(flaw)
    return text


def _check_zone(name: str) -> str:
    if name == "Local":
        raise ValueError(_BAD_ZONE)
    return name


ScheduleText = Annotated[
    str,
    AfterValidator(_check_schedule),
    Field(
        min_length=1,
        max_length=schedule.MAX_SCHEDULE,
        json_schema_extra=validated_by(
            *(rule(expression, message) for expression, message in schedule.list_rules())
        ),
    ),
]

TimeZone = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        # Files beside the zones, such as posixrules and leapseconds, begin with a small letter.
        pattern=r"^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z][A-Za-z0-9_+-]*){0,2}$",
        json_schema_extra=validated_by(rule("self != 'Local'", _BAD_ZONE)),
    ),
    # After the field: a schema keeps no pattern that comes behind a function.
    AfterValidator(_check_zone),
]


class ConcurrencyPolicy(StrEnum):
    """What happens to a slot that comes while a run of the schedule has not ended."""

    FORBID = "Forbid"
    ALLOW = "Allow"
    REPLACE = "Replace"


class MissedRuns(StrEnum):
    """What is caught up of the slots of an outage."""

    SKIP = "Skip"
    RUN_ONCE = "RunOnce"
    RUN_ALL = "RunAll"


class Executor(StrEnum):
    """Who runs a slot."""

    JOB = "Job"
    POOL = "Pool"


class Outcome(StrEnum):
    """What became of a slot that was not run."""

    SKIPPED = "Skipped"
    MISSED = "Missed"
    LATE = "Late"


class MissReason(StrEnum):
    """Why a slot was not run; `meaning` says it in a sentence that begins with the outcome."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "MissReason":
        """Make a member whose value is its name on the wire."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    @property
    def outcome(self) -> Outcome:
        """Give what became of a slot for this reason."""
        return Outcome(self.meaning.partition(":")[0])

    OVERLAP = ("Overlap", "Skipped: a run of the schedule had not ended, and concurrencyPolicy is Forbid.")
    SUSPENDED = ("Suspended", "Skipped: the CronScript was suspended.")
    SCHEDULE_CHANGED = ("ScheduleChanged", "Skipped: the slot was the former schedule's, not this one's.")
    OUTAGE = ("Outage", "Missed: nothing fired it in time, and missedRuns does not ask for it.")
    CATCH_UP_LIMIT = ("CatchUpLimit", "Missed: it was one of an outage with more slots than are caught up.")
    QUOTA_EXCEEDED = ("QuotaExceeded", "Missed: the namespace's quota left no room for its run.")
    DEADLINE_PASSED = ("DeadlinePassed", "Late: its turn came when startingDeadlineSeconds had passed.")


class CronScriptSpec(Model):
    """When to run, exactly one of scriptRef and script to run, and how."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule("has(self.scriptRef) != has(self.script)", _ONE_SCRIPT),
            rule(
                "self.executor == 'Job'"
                " || !(has(self.resources) || has(self.nodeSelector) || has(self.tolerations))",
                _JOB_ONLY,
            ),
        )
    )

    schedule: ScheduleText
    """When it runs: minute, hour, day of the month, month and day of the week, or a macro such as @hourly.
    Where both days are given, one of them has to match, as everywhere in cron."""
    time_zone: TimeZone = "UTC"
    """The time zone of the schedule, such as Europe/Berlin (default UTC)."""
    script_ref: ScriptRef | None = None
    """The Script to run."""
    script: Code | None = None
    """A script to run instead: the operator makes a Script of it, which this CronScript owns."""
    input: OpenObject | None = None
    """What the script gets as input: an object of any JSON, at most 65536 bytes and 150 levels deep."""
    concurrency_policy: Annotated[ConcurrencyPolicy, Field(strict=False)] = ConcurrencyPolicy.FORBID
    """What happens when a slot comes and a run has not ended: Forbid skips the slot, Allow runs both, Replace
    cancels the run that has not ended (default Forbid)."""
    starting_deadline_seconds: int | None = Field(default=None, ge=LEAST_STARTING_DEADLINE, le=604800)
    """A slot whose turn comes later than this many seconds after its time is not run, but recorded as Late;
    if absent, there is no such limit."""
    missed_runs: Annotated[MissedRuns, Field(strict=False)] = MissedRuns.RUN_ONCE
    """What is run after an outage: Skip nothing of it, RunOnce the latest slot, RunAll the latest 100, oldest
    first and one after another (default RunOnce). What is not run is recorded as Missed."""
    suspend: bool = False
    """While true no slot is run; they are recorded as Skipped."""
    timeout_seconds: int | None = Field(default=None, ge=1, le=3600)
    """A shorter wall-clock limit in seconds for each run; it never lengthens the Script's."""
    retry: Retry | None = None
    """Runs a slot's script again after a ScriptError, a Timeout, or a failure of ours; never, if absent."""
    jitter_seconds: int = Field(default=0, ge=0, le=3600)
    """Each slot starts up to this many seconds after its time, so that schedules of the same time do not
    start together; for one slot it is always the same (default 0)."""
    executor: Annotated[Executor, Field(strict=False)] = Executor.JOB
    """Job runs each slot in a pod of its own, Pool in a warm worker of the namespace's runners (default
    Job)."""
    resources: Resources | None = None
    """With executor Job: what the pod of a run asks for and may use; if absent, what the script's memoryMB
    needs."""
    node_selector: dict[str, str] | None = Field(default=None, max_length=32)
    """With executor Job: labels that a node must have."""
    tolerations: list[Toleration] | None = Field(default=None, max_length=16)
    """With executor Job: taints that the pods may live with."""
    successful_runs_history_limit: int = Field(default=3, ge=0, le=1000)
    """How many succeeded runs are kept; the oldest go first (default 3)."""
    failed_runs_history_limit: int = Field(default=5, ge=0, le=1000)
    """How many runs are kept that failed, timed out or were cancelled; the oldest go first (default 5)."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "CronScriptSpec":
        if (self.script_ref is None) == (self.script is None):
            raise ValueError(_ONE_SCRIPT)
        placement = (self.resources, self.node_selector, self.tolerations)
        if self.executor is Executor.POOL and any(each is not None for each in placement):
            raise ValueError(_JOB_ONLY)
        return self


class Miss(Model):
    """One slot that was not run, or several in a row for the same reason."""

    outcome: Annotated[Outcome, Field(strict=False)]
    """Skipped as the spec asks, Missed in an outage or for want of room, or Late."""
    reason: Annotated[MissReason, Field(strict=False)]
    """Why, from a closed list."""
    message: str = Field(default="", max_length=1024)
    """The reason in a sentence: what happened and what to change."""
    scheduled_time: Timestamp
    """The slot, or the first of them."""
    last_scheduled_time: Timestamp | None = None
    """The last of several slots."""
    count: int = Field(default=1, ge=1)
    """How many slots they are."""


class LastExecution(Model):
    """The latest run of the schedule."""

    name: str = Field(max_length=MAX_NAME)
    """The ScriptExecution's name."""
    phase: Annotated[Phase, Field(strict=False)]
    """Where it is."""
    reason: Annotated[Reason, Field(strict=False)]
    """Why it is there."""
    scheduled_time: Timestamp | None = None
    """Its slot; absent for a run that was started by hand."""
    completion_time: Timestamp | None = None
    """When it ended."""


class CronScriptStatus(Model):
    """What became of the schedule's slots, and what comes next."""

    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that this status speaks of."""
    last_schedule_time: Timestamp | None = None
    """The last slot that was run."""
    last_successful_time: Timestamp | None = None
    """When the last run that succeeded ended."""
    next_schedule_time: Timestamp | None = None
    """The next slot, with the offset of the time zone at that time; absent while suspended."""
    active: int = Field(default=0, ge=0)
    """How many runs have not ended."""
    last_execution: LastExecution | None = None
    """The latest run."""
    missed_runs: int = Field(default=0, ge=0)
    """How many slots ended as Missed, since the CronScript exists."""
    skipped_runs: int = Field(default=0, ge=0)
    """How many slots ended as Skipped."""
    late_runs: int = Field(default=0, ge=0)
    """How many slots ended as Late."""
    misses: list[Miss] = Field(default=[], max_length=MAX_MISSES)
    """The latest slots that were not run, oldest first."""
    accounted_until: Timestamp | None = None
    """Every slot up to this moment has been judged: run, or recorded as not run."""
    conditions: list[Condition] = Field(default=[], max_length=8)
    """Ready: the next slot will be run. Suspended: slots are skipped. ScriptFound: the Script is there."""


class CronScript(Object):
    """A schedule for a Script: each slot ends as a ScriptExecution, or as a record of why it was not run."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule(f"self.metadata.name.size() <= {MAX_CRON_SCRIPT_NAME}", _NAME_TOO_LONG)
        )
    )

    api_version: Literal["scriptorium.dev/v1alpha1"] = API_VERSION
    kind: Literal["CronScript"] = "CronScript"
    metadata: Metadata
    spec: CronScriptSpec
    """When to run, and what."""
    status: CronScriptStatus = Field(default=CronScriptStatus(), json_schema_extra={"default": None})
    """What became of the slots; written by Scriptorium alone."""

    @model_validator(mode="after")
    def _has_short_name(self) -> "CronScript":
        if len(self.metadata.name) > MAX_CRON_SCRIPT_NAME:
            raise ValueError(_NAME_TOO_LONG)
        return self
