"""The platform's ceilings over what Scripts ask for. Pure."""

from collections.abc import Mapping
from dataclasses import field, replace

from scriptorium_api.ceilings import CEILINGS
from scriptorium_api.values import frozen
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.outcome import Outcome


@frozen
class Ceilings:
    """The most that a run gets of each limit, by the limit's name in the models; nothing means no ceiling."""

    most: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Ceilings":
        """Take the ceilings that are set; they were found to make sense."""
        return cls(
            {
                each.field: int(environment[each.variable]) / each.units
                for each in CEILINGS
                if each.variable in environment
            }
        )

    def lower(self, start: Start) -> tuple[Start, str]:
        """Give the run with no more than is allowed, and a sentence for people if that is less than it asks
        for."""
        asked: dict[str, float] = {each.field: getattr(start.limits, each.field) for each in CEILINGS}
        asked["timeout_seconds"] = start.timeout_seconds
        lowered = {name: most for name, most in self.most.items() if asked[name] > most}
        if not lowered:
            return start, ""
        notes = [
            f"limits.{each.wire} from {asked[each.field]:g} to {lowered[each.field]:g}"
            for each in CEILINGS
            if each.field in lowered
        ]
        seconds = lowered.pop("timeout_seconds", start.timeout_seconds)
        limits = start.limits.model_copy(update={name: int(most) for name, most in lowered.items()})
        note = f"the platform's ceilings lower {', '.join(notes)}"
        return replace(start, limits=limits, timeout_seconds=seconds), note


def tell(outcome: Outcome, note: str) -> Outcome:
    """Add to a run's message what was lowered."""
    if not note:
        return outcome
    return replace(outcome, message=f"{outcome.message}; {note}" if outcome.message else note)
