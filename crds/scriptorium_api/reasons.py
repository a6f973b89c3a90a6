"""What a run's end is called: a closed list, the same in status, in metrics and in the docs."""

from enum import StrEnum


class Phase(StrEnum):
    """Where a run is; the last four are terminal."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"

    @property
    def is_terminal(self) -> bool:
        """Say whether a run in this phase has ended for good."""
        return self not in (Phase.PENDING, Phase.RUNNING)


class Reason(StrEnum):
    """Why a run is in its phase; `meaning` says it in a sentence that begins with the phase."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "Reason":
        """Make a member whose value is its name on the wire."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    QUEUED = ("Queued", "Pending: no runner has taken it yet.")
    RETRYING = ("Retrying", "Pending: an attempt failed; the next one is due at nextAttemptTime.")
    RUNNING = ("Running", "Running: a runner holds it.")
    COMPLETED = ("Completed", "Succeeded: the script returned.")
    SCRIPT_ERROR = ("ScriptError", "Failed: the script threw, rejected, or can never settle.")
    SYNTAX_ERROR = ("SyntaxError", "Failed: the source is not JavaScript.")
    INPUT_INVALID = ("InputInvalid", "Failed: the input is larger than allowed.")
    SCRIPT_NOT_FOUND = (
        "ScriptNotFound",
        "Pending, then Failed: no Script of that name, or its source is missing.",
    )
    SCRIPT_SUSPENDED = ("ScriptSuspended", "Pending, then Failed: the Script is suspended.")
    SECRETS_PENDING = (
        "SecretsPending",
        "Pending, then Failed: a value that env names is missing, or has not reached the runners.",
    )
    START_DEADLINE_EXCEEDED = (
        "StartDeadlineExceeded",
        "Failed: no runner had room before startDeadlineSeconds passed.",
    )
    TIMEOUT = ("Timeout", "TimedOut: the wall-clock limit passed.")
    MEMORY_LIMIT = ("MemoryLimit", "Failed: the script needed more memory than its limit.")
    API_CALL_LIMIT = ("APICallLimit", "Failed: the script made more host calls than its limit.")
    OUTPUT_LIMIT = ("OutputLimit", "Failed: the output is larger than its limit.")
    MEMORY_PRESSURE = (
        "MemoryPressure",
        "Failed: the runner's memory was nearly used up and this run held the most; ours, not the script's.",
    )
    ENGINE_CRASH = (
        "EngineCrash",
        "Failed: the JavaScript engine ended unexpectedly; ours, not the script's.",
    )
    RUNNER_SHUTDOWN = (
        "RunnerShutdown",
        "Failed: the runner had to stop while the script ran; ours, not the script's.",
    )
    RUNNER_LOST = (
        "RunnerLost",
        "Failed: the runner that held the run is gone; ours, not the script's.",
    )
    POD_FAILED = (
        "PodFailed",
        "Failed: the run's own pod could not start or was ended; the message has the platform's reason.",
    )
    CANCELLED = ("Cancelled", "Cancelled: cancel was set in the spec.")
    DUPLICATE = (
        "Duplicate",
        "Cancelled: another run of the Script has the same idempotencyKey; duplicateOf names it.",
    )


#: The phase that a terminal reason belongs to; reasons that are not listed are waiting or running.
PHASE_OF_END: dict[Reason, Phase] = {
    Reason.COMPLETED: Phase.SUCCEEDED,
    Reason.TIMEOUT: Phase.TIMED_OUT,
    Reason.CANCELLED: Phase.CANCELLED,
    Reason.DUPLICATE: Phase.CANCELLED,
} | dict.fromkeys(
    (
        Reason.SCRIPT_ERROR,
        Reason.SYNTAX_ERROR,
        Reason.INPUT_INVALID,
        Reason.SCRIPT_NOT_FOUND,
        Reason.SCRIPT_SUSPENDED,
        Reason.SECRETS_PENDING,
        Reason.START_DEADLINE_EXCEEDED,
        Reason.MEMORY_LIMIT,
        Reason.API_CALL_LIMIT,
        Reason.OUTPUT_LIMIT,
        Reason.MEMORY_PRESSURE,
        Reason.ENGINE_CRASH,
        Reason.RUNNER_SHUTDOWN,
        Reason.RUNNER_LOST,
        Reason.POD_FAILED,
    ),
    Phase.FAILED,
)

#: The ends that may turn out otherwise another time; they are retried where `spec.retry` asks for it.
RETRIED: frozenset[Reason] = frozenset(
    {
        Reason.SCRIPT_ERROR,
        Reason.TIMEOUT,
        Reason.MEMORY_PRESSURE,
        Reason.ENGINE_CRASH,
        Reason.RUNNER_SHUTDOWN,
        Reason.RUNNER_LOST,
        Reason.POD_FAILED,
    }
)
