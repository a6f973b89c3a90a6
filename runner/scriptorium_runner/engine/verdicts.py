"""What is known of sources that were parsed before: whether they are JavaScript."""

import functools
import hashlib
from collections import OrderedDict

from scriptorium_runner.engine import positions
from scriptorium_runner.engine.values import ScriptError


@functools.cache
def find_engine_version() -> str:
    """Give the version of the engine, as its package says."""
    # A pod that sees to one run asks only after a syntax error, and its run waits for each import.
    from importlib import metadata  # noqa: PLC0415

    return metadata.version("quickjs-ng")


@functools.cache
def find_judge() -> bytes:
    """Give what judges: another engine, or another wrapper around the source, may judge differently."""
    return f"quickjs-ng {find_engine_version()}\n{positions.wrap('', None)}\n".encode()


class VerdictCache:
    """The verdicts on the sources that were asked for last, at most `size` of them.

    A source is known by the SHA-256 of its text and of what judges it: a changed one is another, so no
    verdict is ever stale, and what nobody asks for any more goes first. Only verdicts are kept, not what was
    compiled: a worker that was taken over could leave something there for others to run.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._verdicts: OrderedDict[bytes, ScriptError | None] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._verdicts)

    def look_up(self, source: str) -> tuple[bool, ScriptError | None]:
        """Say whether a source is known, and what is wrong with it."""
        key = _build_key(source)
        if key not in self._verdicts:
            self.misses += 1
            return False, None
        self.hits += 1
        self._verdicts.move_to_end(key)
        return True, self._verdicts[key]

    def find_error(self, source: str) -> ScriptError | None:
        """Give what is known to be wrong with a source; counts only if that spares a run."""
        error = self._verdicts.get(_build_key(source)) if self._verdicts else None
        if error is not None:
            self.hits += 1
        return error

    def keep(self, source: str, error: ScriptError | None) -> None:
        """Remember a verdict."""
        key = _build_key(source)
        self._verdicts[key] = error
        self._verdicts.move_to_end(key)
        while len(self._verdicts) > self._size:
            self._verdicts.popitem(last=False)


def _build_key(source: str) -> bytes:
    return _hash(find_judge(), source)


#: The sources that run at the moment: a request is answered sooner than a large source is hashed.
@functools.lru_cache(maxsize=64)
def _hash(judge: bytes, source: str) -> bytes:
    return hashlib.sha256(judge + source.encode(errors="surrogatepass")).digest()
