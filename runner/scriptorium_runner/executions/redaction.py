"""Takes the values of Secrets out of what a run leaves behind. Pure.

This guards against a slip: a header that is logged, an error that quotes a URL. A script that means to tell
what it was given can always spell it otherwise.
"""

import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from scriptorium_runner.engine import LogEntry, Result, ScriptError

#: Shorter values stand in ordinary text by chance ("true", "admin", "5432"): that would be spoiled, and the
#: gaps would tell what they hide.
SHORTEST = 8
#: What stands in a value's place: no longer than the shortest value, so that nothing outgrows its limit.
MARK = "[secret]"

#: Where names, messages and stacks of errors are cut: by the prelude in UTF-16 units, else in characters.
_ERROR_CUTS = (256, 4096)

#: The engine names a property in its own errors by at least so many bytes of UTF-8, and by 63 at most; words
#: of its own come after them.
_SHOWN_BYTES = 60


class Redaction:
    """Knows the values that a run was given and finds them in any text, in time linear in the text.

    A value is found as it is, as JSON and URLs have it, and without the spaces and line ends around it; of
    one with several lines also each of these, where it stands alone in a line. So is the beginning of a long
    value that the engine cut, and any beginning at the end of a text that we cut.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {value.strip() for value in secrets}
        forms = {form for value in values for form in _spell(value) if len(value) >= SHORTEST}
        #: What is looked for, and how much of it is enough to be found.
        self._forms = {form: _find_head(form) for form in forms}
        self._lines = frozenset(line for value in values for line in _split(value))

    def redact(self, result: Result) -> Result:
        """Take the values out of all that a run left."""
        if not self._forms:
            return result
        found = self._narrow(_list_texts(result))
        return replace(
            result,
            output=found._redact_value(result.output),
            logs=tuple(found._redact_line(line, self) for line in result.logs),
            error=self.redact_error(result.error) if result.error else None,
        )

    def redact_error(self, error: ScriptError) -> ScriptError:
        """Take the values out of an error."""
        if not self._forms:
            return error
        return replace(
            error,
            name=self._redact_cut(error.name),
            message=self._redact_cut(error.message),
            stack=self._redact_cut(error.stack),
        )

    def _narrow(self, texts: Iterable[str]) -> "Redaction":
        """Give the same for what is in these texts at all: most often nothing."""
        everything = "\n".join(texts)
        narrow = Redaction(())
        narrow._forms = {form: head for form, head in self._forms.items() if head in everything}
        if self._lines:
            narrow._lines = self._lines.intersection(map(str.strip, everything.split("\n")))
        return narrow

    def _redact_line(self, line: LogEntry, whole: "Redaction") -> LogEntry:
        """Redact a line; `whole` knows also those values of which only the beginning was kept."""
        message = (whole if line.is_cut else self)._redact_text(line.message, is_cut=line.is_cut)
        return replace(line, message=message, data=self._redact_value(line.data))

    def _redact_value(self, value: Any) -> Any:
        """Redact all texts of a JSON value, its names too; a number that is a value becomes a text."""
        if not self._forms and not self._lines:
            return value
        match value:
            case str():
                return self._redact_text(value)
            case list():
                return [self._redact_value(each) for each in value]
            case dict():
                return {self._redact_text(name): self._redact_value(each) for name, each in value.items()}
            case int() | float() if str(value) in self._forms:
                return MARK
        return value

    def _redact_cut(self, text: str) -> str:
        is_cut = len(text) in _ERROR_CUTS or _utf16_length(text) in _ERROR_CUTS
        return self._redact_text(text, is_cut=is_cut)

    def _redact_text(self, text: str, *, is_cut: bool = False) -> str:
        """Put the mark where values are; in a text that was cut also where the last one may begin."""
        if len(text) < SHORTEST:
            return text
        covered = bytearray(len(text))
        for start, end in self._find(text, is_cut=is_cut):
            covered[start:end] = b"\1" * (end - start)
        if not any(covered):
            return text
        parts, last = [], 0
        for run in re.finditer(b"\1+", covered):
            parts += [text[last : run.start()], MARK]
            last = run.end()
        return "".join((*parts, text[last:]))

    def _find(self, text: str, *, is_cut: bool) -> Iterator[tuple[int, int]]:
        for form, head in self._forms.items():
            yield from _find_whole(form, text)
            if len(head) < len(form):
                yield from _find_beginnings(form, head, text)
            if is_cut and (start := text.find(form[:SHORTEST], max(0, len(text) - len(form)))) >= 0:
                yield start, len(text)
        if self._lines:
            yield from self._find_lines(text, is_cut=is_cut)

    def _find_lines(self, text: str, *, is_cut: bool) -> Iterator[tuple[int, int]]:
        for line in re.finditer(r"[^\n]+", text):
            if line[0].strip() in self._lines or (
                is_cut and line.end() == len(text) and self._is_beginning(line[0])
            ):
                yield line.span()

    def _is_beginning(self, text: str) -> bool:
        """Say whether a line may be the first part of one that was cut, maybe within a character."""
        words = text.strip().rstrip("\ufffd")
        return len(words) >= SHORTEST and any(line.startswith(words) for line in self._lines)


def _find_head(form: str) -> str:
    """Give as much of a form as the engine certainly shows."""
    return form.encode("utf-8", "replace")[:_SHOWN_BYTES].decode("utf-8", "ignore")


def _find_whole(form: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + len(form))


def _find_beginnings(form: str, head: str, text: str) -> Iterator[tuple[int, int]]:
    """Give where a form begins, as far as the text has it."""
    start = text.find(head)
    while start >= 0:
        length = _count_common(form, text[start : start + len(form)])
        yield start, start + length
        start = text.find(head, start + length)


def _count_common(one: str, other: str) -> int:
    """Count the characters with which both begin."""
    common, most = 0, min(len(one), len(other))
    while common < most:
        middle = (common + most + 1) // 2
        if one[:middle] == other[:middle]:
            common = middle
        else:
            most = middle - 1
    return common


def _spell(value: str) -> Iterator[str]:
    """Give the ways in which programs write a value into texts."""
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield urllib.parse.quote(value, safe="!~*'()", errors="replace")
    yield urllib.parse.quote_plus(value, errors="replace")


def _split(value: str) -> Iterator[str]:
    lines = [line.strip() for line in value.split("\n")]
    return (line for line in lines if len(lines) > 1 and len(line) >= SHORTEST)


def _list_texts(result: Result) -> Iterator[str]:
    yield from _walk(result.output)
    for line in result.logs:
        yield line.message
        yield from _walk(line.data)


def _walk(value: Any) -> Iterator[str]:
    """Give all texts of a JSON value, and its numbers as text."""
    left = [value]
    while left:
        match left.pop():
            case list() as items:
                left += items
            case dict() as fields:
                yield from fields
                left += fields.values()
            case str() as text:
                yield text
            case int() | float() as number:
                yield str(number)


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
