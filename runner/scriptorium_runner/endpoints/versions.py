"""Which version of each Script answers: a new one takes over once it is known to be JavaScript."""

import asyncio
import logging
from collections.abc import Callable, Collection

from scriptorium_api.names import source_hash
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.ports import Checker
from scriptorium_runner.engine import EngineError, ScriptError

log = logging.getLogger(__name__)

#: A check that could not be made, for want of a worker, is made again after so many seconds.
_AGAIN_SECONDS = 1.0


@frozen
class Version:
    """A Script with the source that it had."""

    script: Script
    text: str
    hash: str


class Versions:
    """Remembers the last version of each Script that is JavaScript, by the Script's UID."""

    def __init__(self, checker: Checker, on_verdict: Callable[[], None]) -> None:
        """`on_verdict` is told when another version may take over."""
        self._checker, self._on_verdict = checker, on_verdict
        self._serving: dict[str, Version] = {}
        #: Of sources that are none of those that serve: what is wrong with them.
        self._verdicts: dict[tuple[str, str], ScriptError | None] = {}
        self._checks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def choose(self, script: Script, text: str | None) -> Version | None:
        """Give the version that serves, now that a Script and its source are these.

        The first one serves at once, whatever it is: there is no better. Without a source nothing changes.
        """
        uid = script.metadata.uid
        known = self._serving.get(uid)
        if text is None:
            return known
        offered = Version(script, text, source_hash(text))
        if known is None or known.hash == offered.hash or self._is_sound(offered):
            self._serving[uid] = offered
            return offered
        return known

    def forget_others(self, uids: Collection[str]) -> None:
        """Forget all Scripts but these."""
        self._serving = {uid: each for uid, each in self._serving.items() if uid in uids}
        self._verdicts = {key: each for key, each in self._verdicts.items() if key[0] in uids}
        for key, check in list(self._checks.items()):
            if key[0] not in uids:
                check.cancel()

    async def close(self) -> None:
        """End the checks under way."""
        for check in self._checks.values():
            check.cancel()
        await asyncio.gather(*self._checks.values(), return_exceptions=True)

    def _is_sound(self, offered: Version) -> bool:
        key = (offered.script.metadata.uid, offered.hash)
        if key in self._verdicts:
            return self._verdicts[key] is None
        if key not in self._checks:
            self._checks[key] = asyncio.create_task(self._check(key, offered))
            self._checks[key].add_done_callback(lambda _: self._checks.pop(key, None))
        return False

    async def _check(self, key: tuple[str, str], offered: Version) -> None:
        while True:
            try:
                error = await self._checker.validate_syntax(offered.text)
                break
            except EngineError as failure:
                log.warning("cannot check a source", extra={"script": key[0], "error": str(failure)})
                await asyncio.sleep(_AGAIN_SECONDS)
        if error is not None:
            _tell(offered, error)
        # The verdicts of the sources before it are of no more use.
        self._verdicts = {each: told for each, told in self._verdicts.items() if each[0] != key[0]}
        self._verdicts[key] = error
        self._on_verdict()


def _tell(offered: Version, error: ScriptError) -> None:
    log.warning(
        "the new source of a script does not compile, the former one goes on answering",
        extra={
            "script": offered.script.metadata.name,
            "error": error.name,
            "line": error.line,
            "column": error.column,
        },
    )
