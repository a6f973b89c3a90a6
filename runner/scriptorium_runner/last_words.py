"""Why a runner ends that could not begin, in its container's termination message."""

from pathlib import Path

#: What Kubernetes keeps of such a message.
_MOST_BYTES = 4096


def leave(text: str, place: Path) -> None:
    """Write the message; outside of a pod there is no such file, and none is made."""
    if place.exists():
        place.write_bytes(text.encode("utf-8", "replace")[:_MOST_BYTES])
