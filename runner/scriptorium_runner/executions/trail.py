"""What a run and all that it calls were given and left; one for each run."""

from collections.abc import Iterable
from dataclasses import replace

from scriptorium_runner import engine
from scriptorium_runner.engine import LogEntry, Result
from scriptorium_runner.executions.redaction import Redaction


class Trail:
    """Keeps the secrets that were handed out, and the console lines of the Scripts that were called."""

    def __init__(self, log_bytes: int) -> None:
        """`log_bytes` is the limit of the run's own lines and the others' together."""
        self._limit = log_bytes
        self._secrets: set[str] = set()
        self._lines: tuple[LogEntry, ...] = ()
        self._is_cut = False
        self._dropped = 0

    def hand_out(self, secrets: Iterable[str]) -> None:
        """Note values of Secrets that the run, or what it calls, is about to be given."""
        self._secrets.update(secrets)

    def leave(self, script: str, called: Result) -> Result:
        """Keep the lines of a Script that was called; give what its caller is told of its end.

        Its output is its own to choose, and goes to the caller as it is; its error is none of its choosing.
        """
        lines = (replace(line, script=script) for line in called.logs)
        self._is_cut = self._is_cut or called.logs_truncated
        self._dropped += called.logs_dropped
        self._lines = self._keep_newest((*self._lines, *lines))
        error = Redaction(self._secrets).redact_error(called.error) if called.error else None
        return replace(called, error=error)

    def complete(self, result: Result) -> Result:
        """Give what may be known of the run: with the lines of what it called, and without any secret."""
        lines = self._keep_newest((*result.logs, *self._lines)) if self._lines else result.logs
        whole = replace(
            result,
            logs=lines,
            logs_truncated=result.logs_truncated or self._is_cut,
            logs_dropped=result.logs_dropped + self._dropped,
        )
        return Redaction(self._secrets).redact(whole)

    def _keep_newest(self, lines: tuple[LogEntry, ...]) -> tuple[LogEntry, ...]:
        """Put lines into their order, and keep no more of them than the limit allows."""
        kept, is_cut = engine.keep_newest(sorted(lines, key=lambda line: line.timestamp), self._limit)
        self._is_cut = self._is_cut or is_cut
        self._dropped += len(lines) - len(kept)
        return kept
