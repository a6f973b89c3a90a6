"""The volume that a runner pod has its values in: files that the kubelet exchanges all at once."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from scriptorium_api.env import MAX_ENV_BYTES, EnvVar, ValueRef, whole_secret_folder
from scriptorium_runner.executions.decide import Values
from scriptorium_runner.sources.values import pick_values

#: The link that the kubelet moves from one state of the files to the next.
_CURRENT = "..data"

#: The folder of the whole Secrets.
_WHOLE = Path(whole_secret_folder("name")).parent

#: Two changes in a row are rare; after so many the files are taken as they are.
TRIES = 3

_CURE = "create what is missing in this namespace; the runners have it within 2 minutes"


def read_values(folder: Path, env: Sequence[EnvVar]) -> Values:
    """Give the values as they are at this one moment: a name and its password come from the same state."""
    for _ in range(TRIES):
        state = _find_state(folder)
        values = pick_values(env, partial(_read, folder / state), _CURE)
        if _find_state(folder) == state:
            break
    return values


def find_state(folder: Path) -> object:
    """Give what is another one whenever the kubelet has exchanged any of the files.

    Each whole Secret is a volume of its own, inside of the one with all single keys.
    """
    whole = sorted(folder.glob(f"{_WHOLE}/*"))
    return (_find_state(folder), *((each.name, _find_state(each)) for each in whole))


def _find_state(folder: Path) -> str:
    # Without a volume: this pod was made before a Script named any value.
    return find_current(folder) or _CURRENT


def find_current(folder: Path) -> str:
    """Give the name of a volume's present state; empty where nobody exchanges the files."""
    try:
        return os.readlink(folder / _CURRENT)
    except OSError:
        return ""


def _read(state: Path, ref: ValueRef) -> bytes | None:
    try:
        with (state / ref.path).open("rb") as file:
            return file.read(MAX_ENV_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
