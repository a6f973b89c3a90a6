"""How a session ends, as an exit code. Pure."""

import signal

from scriptorium_api.values import frozen

#: A session that could do its work: every run succeeded, or it was only watched.
SUCCESS = 0

#: A run failed, or could not start.
FAILURE = 1

#: Bad manifests or options, or a history or output that cannot be written.
TROUBLE = 2

#: As a shell tells of a program that wrote to a pipe which nobody reads.
BROKEN_PIPE = 128 + signal.SIGPIPE


@frozen(kw_only=True)
class Tally:
    """What a session saw until its end."""

    is_once: bool
    problems: int
    """Manifests that are wrong now."""
    failed: int
    """Runs that did not succeed, or could not start."""
    unfinished: int
    """Runs that were open when it was told to stop."""


def decide_code(tally: Tally, number: signal.Signals | None) -> int:
    """Give the exit code of a session that ended by itself or by this signal."""
    if not tally.is_once:
        return SUCCESS
    if number is not None and tally.unfinished:
        return 128 + number
    if tally.problems:
        return TROUBLE
    return FAILURE if tally.failed else SUCCESS


def describe_interruption(unfinished: int) -> str:
    """Say in a line what a signal cut off."""
    return f"interrupted: {unfinished} {'run' if unfinished == 1 else 'runs'} had not ended"
