"""The compiled modules of a run's pod in one file.

To find and to read a module takes some fifteen system calls, each of them slow in a container, and a run
waits for three hundred modules. What is in the file is taken from it, as long as its source is as it was; all
else comes from where it is installed, and without the file everything does.
"""

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader, spec_from_file_location
from collections.abc import Mapping, Sequence
from mmap import ACCESS_READ, mmap
from types import CodeType

#: Where the image has it: beside the packages that it is made of.
FILE = f"{sys.prefix}/lib/scriptorium-run.bundle"

#: Where the source of a module is, whether it is a package, when the source was written (in whole seconds)
#: and how large it is, and where its code begins and ends.
Entry = tuple[str, bool, int, int, int, int]

#: After the mark of the Python that made it, so many bytes say how long the index is, and as many how long
#: the code of all modules, which follows the index.
_LENGTH = 8
_HEAD = len(MAGIC_NUMBER) + 2 * _LENGTH


def use(path: str = FILE) -> None:
    """Import from the file, from now on.

    Not from one that another Python made, that is of another installation, or that is cut.
    """
    try:
        with open(path, "rb") as file:
            content = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
    except (OSError, ValueError):
        return
    begin, end = _HEAD, _HEAD + _read_length(content, 0)
    if content[: len(MAGIC_NUMBER)] != MAGIC_NUMBER or len(content) != end + _read_length(content, 1):
        return
    # As much ours as the compiled files that it stands for, and as nobody else's to write.
    index: dict[str, Entry] = marshal.loads(content[begin:end])  # noqa: S302
    if index[__name__][0] == __file__:
        sys.meta_path.insert(0, _Finder(index, content[end:]))


def _read_length(content: memoryview, place: int) -> int:
    begin = len(MAGIC_NUMBER) + place * _LENGTH
    return int.from_bytes(content[begin : begin + _LENGTH], "little")


def render(modules: Mapping[str, tuple[str, bool, CodeType]]) -> bytes:
    """Give the file for these modules: of each where its source is, whether it is a package, and its code."""
    index: dict[str, Entry] = {}
    codes = bytearray()
    for name, (origin, is_package, code) in sorted(modules.items()):
        source, begin = os.stat(origin), len(codes)
        codes += marshal.dumps(code)
        index[name] = (origin, is_package, int(source.st_mtime), source.st_size, begin, len(codes))
    rendered = marshal.dumps(index)
    lengths = [len(part).to_bytes(_LENGTH, "little") for part in (rendered, codes)]
    return b"".join((MAGIC_NUMBER, *lengths, rendered, codes))


class _Loader(SourceFileLoader):
    """Loads a module as from its file, but for its code."""

    def __init__(self, name: str, origin: str, code: memoryview) -> None:
        super().__init__(name, origin)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = marshal.loads(self._code)  # noqa: S302 - see above.
        return code


class _Finder:
    """Finds the modules of the file whose source is as it was."""

    def __init__(self, index: Mapping[str, Entry], codes: memoryview) -> None:
        self._index, self._codes = index, codes

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: object = None) -> ModuleSpec | None:
        entry = self._index.get(name)
        if entry is None:
            return None
        origin, is_package, written, size, begin, end = entry
        try:
            source = os.stat(origin)
        except OSError:
            return None
        if (int(source.st_mtime), source.st_size) != (written, size):
            return None
        return spec_from_file_location(
            name,
            origin,
            loader=_Loader(name, origin, self._codes[begin:end]),
            submodule_search_locations=[origin.rpartition("/")[0]] if is_package else None,
        )
