"""Admission: wrong input is stopped at the door, and let in where we cannot tell."""

import asyncio
import logging

from scriptorium_operator.context import Context
from scriptorium_operator.decide import admission
from scriptorium_operator.decide.admission import Opinion
from scriptorium_operator.errors import SyntaxCheckFailed

log = logging.getLogger(__name__)

#: The API server waits 3 s, of which a check takes 1 s at most; the rest is for a checker to become free.
PATIENCE_SECONDS = 2.0


async def judge_source(context: Context, source: str, patience_seconds: float = PATIENCE_SECONDS) -> Opinion:
    """Say whether a source is JavaScript, as far as can be told in time."""
    if not admission.is_worth_checking(source):
        return admission.UNKNOWN
    try:
        async with asyncio.timeout(patience_seconds):
            return admission.judge_source(await context.syntax.find_fault(source))
    except (SyntaxCheckFailed, TimeoutError) as failure:
        log.warning("a source was let in unchecked", extra={"error": str(failure) or "timed out"})
        return admission.UNKNOWN
