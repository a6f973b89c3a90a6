"""A request and its answer, as values: what the edge reads and writes, and all the rest decides about."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from scriptorium_api.values import frozen

#: The pairs of headers in their order; a name may come several times.
Headers = tuple[tuple[str, str], ...]


@frozen(kw_only=True)
class Call:
    """One request, as it came in."""

    id: str
    """From X-Request-Id where that is well-formed, else ours."""
    method: str
    host: str
    """In lower case, without the port; empty where the caller named none."""
    raw_path: str
    """The path as it was sent, escapes and all, without the query."""
    raw_query: str = ""
    headers: Headers = ()
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)
    ip: str = ""
    """Who sent it, as far as trusted proxies tell."""
    is_secure: bool = False
    """Whether the caller spoke HTTPS, as far as trusted proxies tell."""

    def find_header(self, name: str) -> str | None:
        """Give the value of a header in lower case: several are joined as HTTP does; None without it."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


@frozen
class Answer:
    """What goes out; the edge adds what belongs to the connection alone."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)

    def with_headers(self, *pairs: tuple[str, str]) -> "Answer":
        """Give the same with more headers; those that it has already stay as they are."""
        known = {name.lower() for name, _ in self.headers}
        more = tuple(pair for pair in pairs if pair[0].lower() not in known)
        return Answer(self.status, self.headers + more, self.body)


@frozen
class Problem:
    """Why no script answers, or why its result is none; written as problem+json (RFC 9457)."""

    status: int
    title: str
    """The status in words, always the same for one kind of problem."""
    detail: str = ""
    """What is wrong with this request, and the cure."""
    headers: Headers = ()
    """Such as Allow, Retry-After or WWW-Authenticate."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further members, such as the field that does not fit."""


def render_problem(problem: Problem, request_id: str) -> Answer:
    """Write a problem as an answer."""
    members = {"type": "about:blank", "title": problem.title, "status": problem.status}
    detail = {"detail": problem.detail} if problem.detail else {}
    body = json.dumps(members | detail | dict(problem.more) | {"requestId": request_id})
    headers = (("Content-Type", "application/problem+json"), ("Cache-Control", "no-store"), *problem.headers)
    return Answer(problem.status, headers, body.encode() + b"\n")
