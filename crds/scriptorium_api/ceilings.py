"""What a platform allows at most, whatever a Script's limits ask for: the lower one wins. Pure."""

from collections.abc import Mapping

from scriptorium_api.values import frozen

#: At this part of its container's memory a runner ends the largest script, if nobody says otherwise.
MEMORY_PART = 0.9


@frozen
class Ceiling:
    """A setting that is a ceiling over one of a Script's limits."""

    variable: str
    #: The limit, as it is called in the models and in manifests.
    field: str
    wire: str
    least: int
    most: int
    #: How many of the variable's units are one of the limit's.
    units: int = 1

    @property
    def expectation(self) -> str:
        """Say which values make sense."""
        return f"a whole number from {self.least} to {self.most}"

    def accepts(self, text: str) -> bool:
        """Say whether a value makes sense."""
        return text.isascii() and text.isdigit() and self.least <= int(text) <= self.most


#: Where a variable is not set, what the schema allows at most is the ceiling.
CEILINGS = (
    Ceiling("SCRIPT_TIMEOUT_MS", "timeout_seconds", "timeoutSeconds", 100, 3_600_000, units=1000),
    Ceiling("SCRIPT_MAX_MEMORY_MB", "memory_mb", "memoryMB", 8, 1024),
    Ceiling("SCRIPT_MAX_API_CALLS", "api_calls", "apiCalls", 0, 10_000),
    Ceiling("SCRIPT_MAX_OUTPUT_KB", "output_kb", "outputKB", 1, 64),
    Ceiling("SCRIPT_MAX_LOG_KB", "log_kb", "logKB", 1, 64),
)


def find_unfit(environment: Mapping[str, str]) -> Ceiling | None:
    """Give the first ceiling that is set to what makes no sense."""
    is_set = (each for each in CEILINGS if each.variable in environment)
    return next((each for each in is_set if not each.accepts(environment[each.variable])), None)
