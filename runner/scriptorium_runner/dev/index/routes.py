"""The Endpoints of a session as the page lists them: where they answer, and what keeps them from it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from pydantic.alias_generators import to_camel

from scriptorium_api.endpoints import conflicts, references
from scriptorium_api.endpoints.auth import Way
from scriptorium_api.endpoints.conflicts import Conflict
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.paths import Part, parse_pattern
from scriptorium_api.values import frozen
from scriptorium_runner.dev import table
from scriptorium_runner.dev.index import guard
from scriptorium_runner.endpoints.auth import api_key
from scriptorium_runner.endpoints.ports import Checker, EndpointBoard
from scriptorium_runner.endpoints.table import Table
from scriptorium_runner.engine import EngineError, ScriptError


class State(StrEnum):
    """Whether an Endpoint answers."""

    READY = "ready"
    SUSPENDED = "suspended"
    CONFLICT = "conflict"
    RESERVED = "reserved"
    MISSING = "script missing"
    BROKEN = "does not compile"
    BLOCKED = "not ready"


@frozen(kw_only=True)
class Facts:
    """What is known of an Endpoint beyond its manifest."""

    conflict: Conflict | None = None
    has_script: bool = True
    error: ScriptError | None = None
    """What is wrong with the Script's source as it is now."""
    serves_former: bool = False
    """Whether a former version answers meanwhile."""
    obstacle: str = ""


async def list_routes(board: EndpointBoard, served: Table, checker: Checker) -> list[dict[str, Any]]:
    """Give every Endpoint, as JSON."""
    endpoints = board.list_endpoints()
    verdicts = conflicts.judge(endpoints)
    return [
        describe(each, await _find_facts(each, verdicts, board, served, checker))
        for each in sorted(endpoints, key=lambda each: (each.spec.path, each.metadata.name))
    ]


async def _find_facts(
    endpoint: Endpoint,
    verdicts: Mapping[str, Conflict | None],
    board: EndpointBoard,
    served: Table,
    checker: Checker,
) -> Facts:
    uid, name = endpoint.metadata.uid, references.find_script_name(endpoint)
    entry = served.entries.get(uid)
    script = board.find_script(endpoint.metadata.namespace, name)
    source = await board.read_source(script) if script is not None else None
    error = await _check(checker, source.text) if source is not None else None
    return Facts(
        conflict=verdicts[uid],
        has_script=script is not None,
        error=error,
        serves_former=(
            entry is not None
            and entry.work is not None
            and script is not None
            and entry.work.hash != script.status.source_hash
        ),
        obstacle=entry.obstacle if entry is not None else "",
    )


async def _check(checker: Checker, source: str | None) -> ScriptError | None:
    try:
        return await checker.validate_syntax(source) if source is not None else None
    except EngineError:
        # Not known at the moment: the page asks again.
        return None


def describe(endpoint: Endpoint, facts: Facts) -> dict[str, Any]:
    """Give an Endpoint as JSON; nothing of its Secrets but what says where credentials go."""
    metadata, spec = endpoint.metadata, endpoint.spec
    state, message = decide_state(endpoint, facts)
    return {
        "namespace": metadata.namespace,
        "name": metadata.name,
        "host": spec.host,
        "path": spec.path,
        "parameters": [
            {"name": each.text, "isRest": each.part is Part.WILDCARD}
            for each in parse_pattern(spec.path).segments
            if each.part is not Part.LITERAL
        ],
        "methods": [each.value for each in spec.methods],
        "script": references.find_script_name(endpoint),
        "auth": [_describe_way(each) for each in spec.auth],
        "state": state.value,
        "message": message,
    }


def decide_state(endpoint: Endpoint, facts: Facts) -> tuple[State, str]:
    """Say whether an Endpoint answers, and what keeps it from it."""
    if guard.is_reserved(endpoint.spec.path):
        return State.RESERVED, f"{guard.ROOT} is this page's; in a cluster the Endpoint answers"
    if endpoint.spec.suspend:
        return State.SUSPENDED, ""
    if facts.conflict is not None:
        return State.CONFLICT, _describe_conflict(facts.conflict)
    if not facts.has_script:
        return State.MISSING, facts.obstacle
    if facts.error is not None:
        error, former = facts.error, "; the version before answers" if facts.serves_former else ""
        place = f" (line {error.line}, column {error.column})" if error.line else ""
        return State.BROKEN, f"{error.name}: {error.message}{place}{former}"
    return (State.BLOCKED, facts.obstacle) if facts.obstacle else (State.READY, "")


def list_conflicts(endpoints: Iterable[Endpoint]) -> list[str]:
    """Say which Endpoints do not get what they ask for, and why."""
    known = {each.metadata.uid: each for each in endpoints}
    return [
        f"Endpoint {table.render_name(known[uid].metadata)}: "
        f"{known[uid].spec.path} is taken, {_describe_conflict(conflict)}"
        for uid, conflict in conflicts.judge(known.values()).items()
        if conflict is not None
    ]


def _describe_conflict(conflict: Conflict) -> str:
    methods = ", ".join(each.value for each in conflict.methods)
    holder = f"Endpoint {conflict.with_name}" if conflict.with_name else "another namespace"
    return f"{methods}: {holder} has it already"


def _describe_way(way: Way) -> str:
    name = next(name for name in type(way).model_fields if getattr(way, name) is not None)
    if way.api_key is not None:
        query, header = way.api_key.query, way.api_key.header or api_key.DEFAULT_HEADER
        place = f"query {query}" if query else f"header {header}"
        return f"apiKey ({place})"
    if way.hmac is not None:
        return f"hmac ({way.hmac.preset or way.hmac.header})"
    return f"script ({way.script.name})" if way.script is not None else to_camel(name)
