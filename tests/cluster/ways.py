"""The two ways to a cluster, and which one this machine takes."""

import os
import shutil
from typing import Protocol

from tests.cluster import bare, kind, progress
from tests.cluster.errors import ClusterError

NAMES = ("kind", "bare")


class Way(Protocol):
    """What each way can do."""

    def up(self) -> None:
        """Bring up a Ready cluster and write how to reach it into the checkout."""

    def down(self) -> None:
        """Take it down and leave nothing."""

    def load(self, image: str) -> None:
        """Put an image on the node."""


def choose() -> Way:
    """Return the way this machine takes."""
    requested = os.environ.get("CLUSTER", "")
    # Docker is asked only when it decides: its answer may take seconds.
    works = not requested and shutil.which("kind") is not None and progress.succeeds(["docker", "info"])
    name = choose_name(requested, works)
    return kind if name == "kind" else bare


def choose_name(requested: str, kind_works: bool) -> str:
    """Decide between the ways: what was asked for, otherwise kind where it works."""
    if requested and requested not in NAMES:
        raise ClusterError(f"CLUSTER={requested} is none of {', '.join(NAMES)}")
    return requested or ("kind" if kind_works else "bare")
