"""The Event on a Script whose runs begin to fail, or to succeed again."""

from datetime import datetime

from scriptorium_operator.build.event import News, build_event
from scriptorium_operator.facts import EndedRun, Key, Kind, Manifest


def build_outcome_event(run: EndedRun, script_uid: str, now: datetime) -> Manifest:
    """Give the Event that this run is told by."""
    news = News(
        subject=Key(Kind.SCRIPT, run.key.namespace, run.script),
        subject_uid=script_uid,
        mark=run.uid,
        type="Normal" if run.is_success else "Warning",
        reason="RunsSucceed" if run.is_success else "RunsFail",
        message=_describe(run),
    )
    return build_event(news, now)


def _describe(run: EndedRun) -> str:
    if run.is_success:
        return f"run {run.key.name} succeeded; the one before it had not"
    return f"run {run.key.name} ended as {run.phase}, {run.reason}: {run.message}"
