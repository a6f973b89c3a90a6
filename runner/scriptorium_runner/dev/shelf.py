"""The files of a session: which there are, which changed, and what they hold."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scriptorium_api.values import frozen
from scriptorium_runner.sources import manifests
from scriptorium_runner.sources.manifests import Found, Loaded, Problem

_SUFFIXES = {".yaml", ".yml", ".json"}

#: Never a team's own manifests, and often thousands of files.
_FOREIGN_FOLDER = "node_modules"

#: What tells a changed file from an unchanged one: which it is, its size, when it was written or allowed.
Stamp = tuple[int, int, int, int]


@dataclass(slots=True)
class Listing:
    """The manifest files under some paths, in the order of the paths and then of names."""

    stamps: dict[Path, Stamp] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@frozen
class _Page:
    """What a file held when it was read last."""

    stamp: Stamp
    loaded: Loaded


class Shelf:
    """Reads each file once, and again when it changed.

    A file that is broken by an edit keeps what it held before, until it is mended: nothing stops or starts
    because of a missing bracket.
    """

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self._pages: dict[Path, _Page] = {}

    def load(self, listing: Listing) -> Loaded:
        """Give what the listed files hold."""
        former, self._pages = self._pages, {}
        for path, stamp in listing.stamps.items():
            page = former.get(path)
            # A file that is gone since it was listed is not there: the next look has it no more.
            if page and page.stamp == stamp:
                self._pages[path] = page
            elif os.path.lexists(path):
                self._pages[path] = _Page(stamp, _read(path, page))
        loaded = join([page.loaded for page in self._pages.values()])
        loaded.problems.extend(listing.problems)
        loaded.problems.sort(key=lambda problem: (problem.path, problem.line))
        return loaded

    def look(self) -> Listing:
        """List the files as they are now."""
        return list_files(self._paths)


def _read(path: Path, former: _Page | None) -> Loaded:
    loaded = manifests.load([path])
    if loaded.problems and former:
        loaded.objects = former.loaded.objects
    return loaded


def join(parts: list[Loaded]) -> Loaded:
    """Give what several files hold together; of two objects of one name the second is a problem."""
    joined = Loaded(problems=[problem for part in parts for problem in part.problems])
    first: dict[tuple[str, str, str], Found] = {}
    for found in (found for part in parts for found in part.objects):
        metadata = found.object.metadata
        key = (found.object.kind, metadata.namespace or "default", metadata.name)
        former = first.setdefault(key, found) if metadata.name else found
        if former is found:
            joined.objects.append(found)
        else:
            place = f"{former.path}:{former.line}"
            text = f'{key[0]} "{key[2]}" is defined already, at {place}; rename or remove one of them'
            joined.problems.append(Problem(found.path, found.line, text))
    return joined


def find_absent(paths: list[Path]) -> Path | None:
    """Give the first path at which there is nothing."""
    return next((path for path in paths if not os.path.lexists(path)), None)


def list_files(paths: list[Path]) -> Listing:
    """List the manifest files: each path itself, or what is below it; no file twice."""
    listing, seen = Listing(), set[str]()
    for path in paths:
        if find_absent([path]):
            listing.problems.append(Problem(path, 1, "no such file or folder"))
        for file in _walk(path, listing.problems) if path.is_dir() else [path]:
            absolute = os.path.abspath(file)
            if absolute not in seen and (stamp := _stamp(file)):
                seen.add(absolute)
                listing.stamps[file] = stamp
    return listing


def _walk(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        place = Path(os.fsdecode(error.filename))
        problems.append(Problem(place, 1, f"cannot be read: {error.strerror}; mend or remove it"))

    for place, folders, files in os.walk(folder, onerror=tell):
        folders[:] = sorted(name for name in folders if name[0] != "." and name != _FOREIGN_FOLDER)
        for name in sorted(files):
            file = Path(place, name)
            # Editors keep what is not saved yet in hidden files.
            if name[0] != "." and file.suffix in _SUFFIXES and not _is_special(file):
                yield file


def _is_special(file: Path) -> bool:
    """Say whether reading the file could wait for ever, as with a pipe."""
    try:
        mode = os.stat(file).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode)


def _stamp(file: Path) -> Stamp | None:
    """Give a file's stamp, a link's own if it leads nowhere; None if there is no such file."""
    for look in (os.stat, os.lstat):
        try:
            found = look(file)
        except OSError:
            continue
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return None


def describe_changes(former: Listing, now: Listing) -> str:
    """Say in a line which files came, changed or went."""
    before, after = former.stamps, now.stamps
    groups = {
        "added": [path for path in after if path not in before],
        "changed": [path for path in after if path in before and before[path] != after[path]],
        "removed": [path for path in before if path not in after],
    }
    said = ", ".join(f"{verb} {_name(paths)}" for verb, paths in groups.items() if paths)
    return said or "changed what can be read"


def _name(paths: list[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
