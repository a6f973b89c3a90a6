"""Conditions as the Kubernetes API conventions define them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field

from scriptorium_api.base import Model, Timestamp


class Condition(Model):
    """One aspect of an object's state, with the reason for it."""

    type: str = Field(max_length=316)
    """The aspect, in CamelCase."""
    status: Literal["True", "False", "Unknown"]
    """Whether the condition holds."""
    reason: str = Field(default="", max_length=1024)
    """The cause in one CamelCase word, for programs."""
    message: str = Field(default="", max_length=32768)
    """The cause in a sentence, for people: what happened and what to change."""
    last_transition_time: Timestamp
    """When the status last changed."""
    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that the condition speaks of."""


class Finding(Model):
    """A condition before it is known whether it is a change: no time in it yet."""

    type: str
    is_true: bool
    reason: str
    message: str


def merge_conditions(
    former: Iterable[Condition], findings: Iterable[Finding], generation: int, now: datetime
) -> list[Condition]:
    """Give the conditions for the findings; a time moves only where the status changed."""
    known = {condition.type: condition for condition in former}
    return [_merge_one(known.get(finding.type), finding, generation, now) for finding in findings]


def _merge_one(former: Condition | None, finding: Finding, generation: int, now: datetime) -> Condition:
    status: Literal["True", "False"] = "True" if finding.is_true else "False"
    is_unchanged = former is not None and former.status == status
    return Condition(
        type=finding.type,
        status=status,
        reason=finding.reason,
        message=finding.message,
        last_transition_time=former.last_transition_time if former and is_unchanged else now,
        observed_generation=generation,
    )
