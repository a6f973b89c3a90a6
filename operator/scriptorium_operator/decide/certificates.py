"""Which certificate a replica shows, and which ones the API server is told to trust. Pure.

Each replica makes its own, and the next one before the last one ends: that one is told to the API servers
first and shown when all of them must have heard, so that no connection meets one that is not trusted.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum

from scriptorium_api.values import frozen
from scriptorium_operator.facts import Certificate

#: Until a certificate is shown after it was told: API servers hear of a change within a second, and a next
#: one is in no hurry.
SETTLING = timedelta(seconds=30)

#: The same where none is shown that could be trusted: meanwhile nobody is asked here.
FIRST_SETTLING = timedelta(seconds=5)

#: Those of replicas that ended stay until they expire, which is harmless: their keys are gone. Pods that come
#: and go in great numbers must not fill the configuration.
MOST_TOLD = 64


@frozen
class Rotation:
    """Where a replica stands with its certificates."""

    shown: Certificate | None = None
    next: Certificate | None = None
    told: datetime | None = None
    """Since when every configuration has the next one."""

    @property
    def own(self) -> tuple[Certificate, ...]:
        """Give the certificates that have to be trusted."""
        return tuple(each for each in (self.shown, self.next) if each is not None)


class Move(Enum):
    """What to do about the certificate."""

    REST = "rest"
    MAKE = "make"
    SHOW = "show"


def decide_move(rotation: Rotation, lifetime: timedelta, now: datetime) -> Move:
    """Say whether it is time to make the next certificate, or to show it."""
    if rotation.next is None:
        # After a third of its time: enough of it is left for an API server that does not answer.
        is_due = rotation.shown is None or now >= rotation.shown.expires - lifetime * 2 / 3
        return Move.MAKE if is_due else Move.REST
    if rotation.next.expires <= now:
        return Move.MAKE
    has_settled = rotation.told is not None and now - rotation.told >= _choose_settling(rotation, now)
    return Move.SHOW if has_settled else Move.REST


def _choose_settling(rotation: Rotation, now: datetime) -> timedelta:
    is_trusted = rotation.shown is not None and rotation.shown.expires > now
    return SETTLING if is_trusted else FIRST_SETTLING


def note_telling(rotation: Rotation, bundles: Iterable[tuple[Certificate, ...]], now: datetime) -> Rotation:
    """Give where a replica stands when all bundles as they were found have been brought up to date."""
    found = list(bundles)
    if rotation.next is None or not found:
        return replace(rotation, told=None)
    has_been_told = rotation.told is not None and all(rotation.next in bundle for bundle in found)
    return rotation if has_been_told else replace(rotation, told=now)


def decide_bundle(
    found: Iterable[Certificate], rotation: Rotation, holder: str, now: datetime
) -> tuple[Certificate, ...]:
    """Give the certificates to be trusted: this replica's, and of the other replicas' what may be shown yet.

    Where others of the same pod are found, their process has ended.
    """
    others = {each for each in found if each.holder != holder and each.expires > now}
    newest = sorted(others, key=lambda each: (each.expires, each.pem), reverse=True)
    kept = newest[: MOST_TOLD - len(rotation.own)]
    return tuple(sorted({*rotation.own, *kept}, key=lambda each: (each.expires, each.pem)))
