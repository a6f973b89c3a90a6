"""The Secrets that the auth of Endpoints names, as files of the pod that the kubelet exchanges all at once.

    FOLDER/..data/secrets/NAME/KEY       single keys, in the volume of all values
    FOLDER/whole-secrets/NAME/..data/    a whole Secret, in a volume of its own

Every request asks, so what was read is kept, until the kubelet moves the link to the next state: one look at
the link tells.
"""

import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from scriptorium_api.env import Origin, ValueRef, whole_secret_folder
from scriptorium_runner.sources import volume

#: What begins so among the files is the kubelet's own.
_OWN = ".."

#: What Kubernetes takes for a Secret.
_MAX_BYTES = 1024 * 1024

#: More than the Secrets that one pod can have.
_MOST = 256


class SecretFiles:
    """Reads Secrets below a folder; one for the life of a runner."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: OrderedDict[Path, tuple[str, Mapping[str, bytes] | None]] = OrderedDict()

    def read(self, name: str) -> Mapping[str, bytes] | None:
        """Give all values of a Secret by their keys; None if it is not there, or holds nothing."""
        # A Secret that is missing is an empty folder, so the two cannot be told apart.
        return self._look(self._folder / whole_secret_folder(name), Path()) or None

    def read_key(self, name: str, key: str) -> bytes | None:
        """Give one value of a Secret; None if the Secret or the key is not there."""
        below = Path(ValueRef(Origin.SECRET, name, key).path)
        found = self._look(self._folder, below.parent)
        return found.get(key) if found else None

    def _look(self, exchanged: Path, folder: Path) -> Mapping[str, bytes] | None:
        """Give the files of a folder in a volume, read once for each state of the volume."""
        place = exchanged / folder
        for _ in range(volume.TRIES):
            state = volume.find_current(exchanged)
            kept = self._known.get(place)
            if state and kept and kept[0] == state:
                return kept[1]
            found = _read_files(exchanged / state / folder)
            if volume.find_current(exchanged) == state:
                break
        self._keep(place, state, found)
        return found

    def _keep(self, place: Path, state: str, found: Mapping[str, bytes] | None) -> None:
        self._known[place] = (state, found)
        self._known.move_to_end(place)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)


def _read_files(folder: Path) -> Mapping[str, bytes] | None:
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(_OWN)]
        return {name: _read(folder / name) for name in names}
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES)
