"""A call as the script sees it. Pure."""

from collections.abc import Mapping

from scriptorium_runner.endpoints import heads
from scriptorium_runner.endpoints.calls import Call
from scriptorium_runner.engine import HttpRequest


def build_request(call: Call, params: Mapping[str, str]) -> HttpRequest:
    """Give what the script has as `request`."""
    headers = heads.join_headers(call.headers)
    return HttpRequest(
        method=call.method,
        path=call.raw_path,
        params=params,
        query=heads.read_query(call.raw_query),
        headers=headers,
        cookies=heads.read_cookies(headers.get("cookie", "")),
        body=call.body,
        ip=call.ip,
        id=call.id,
    )
