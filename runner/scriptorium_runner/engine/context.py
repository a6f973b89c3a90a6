"""What a script is given: the context of its caller, with the shortcuts that scripts use. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from scriptorium_runner.engine.errors import InvalidContext

_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def render_context(context: Mapping[str, Any]) -> str:
    """Write the context as JSON, with tenantId, userId and organizationId beside what they are taken from."""
    tenant = context.get("tenant") or {}
    user = context.get("user") or {}
    shortcuts = {
        "tenantId": tenant.get("id"),
        "userId": user.get("id"),
        "organizationId": tenant.get("organizationId"),
    }
    empty: dict[str, Any] = {"user": None, "input": {}}
    try:
        return _ENCODER.encode({**empty, **context, **shortcuts})
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidContext(f"the context cannot be written as JSON: {error}") from error
