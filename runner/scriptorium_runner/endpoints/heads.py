"""The query, the headers and the cookies of a request, as every script sees them. Pure."""

import urllib.parse

from scriptorium_runner.endpoints.calls import Headers


def parse_query(raw_query: str) -> list[tuple[str, str]]:
    """Give names and values of a query in their order; bytes that are no UTF-8 stay what they are."""
    return urllib.parse.parse_qsl(raw_query, keep_blank_values=True, errors="surrogateescape")


def read_query(raw_query: str) -> dict[str, str | list[str]]:
    """Give a value by its name, and a list where a name came several times."""
    if not raw_query:
        return {}
    lists: dict[str, list[str]] = {}
    for name, value in parse_query(raw_query):
        lists.setdefault(_mend(name), []).append(_mend(value))
    return {name: values[0] if len(values) == 1 else values for name, values in lists.items()}


def join_headers(headers: Headers) -> dict[str, str]:
    """Give each name once; cookies alone are joined by semicolons."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name not in found:
            found[name] = value
        else:
            found[name] += f"{'; ' if name == 'cookie' else ', '}{value}"
    return {_mend(name): _mend(value) for name, value in found.items()}


def read_cookies(header: str) -> dict[str, str]:
    """Give cookies by their names; of those of one name the first, which is for the narrowest path."""
    found: dict[str, str] = {}
    for each in header.split(";"):
        name, equals, value = each.strip(" \t").partition("=")
        if equals and name:
            found.setdefault(name, _strip_quotes(value))
    return found


def _strip_quotes(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _mend(text: str) -> str:
    """Replace bytes that are no text, which JSON cannot carry."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
