"""Why a runner ends that could not begin, in its container's termination message."""

import os
from collections.abc import Mapping
from pathlib import Path

#: What Kubernetes keeps of such a message.
_MOST_BYTES = 4096


def find_place(environment: Mapping[str, str] = os.environ) -> Path:
    """Give where Kubernetes looks for the words of a container that ended."""
    return Path(environment.get("SCRIPTORIUM_TERMINATION_LOG") or "/dev/termination-log")


def leave(text: str, place: Path) -> None:
    """Write the message; outside of a pod there is no such file, and none is made."""
    if place.exists():
        place.write_bytes(text.encode("utf-8", "replace")[:_MOST_BYTES])
