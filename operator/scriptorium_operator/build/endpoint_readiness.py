"""Whether an Endpoint answers, or what to change."""

from collections.abc import Iterable

from scriptorium_api.conditions import Condition, Finding
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.script import Script
from scriptorium_operator.endpoint_facts import CONFLICT, EndpointScene
from scriptorium_operator.facts import COMPILED, READY, Problem

#: A condition's message quotes what others say, and they may say much.
_MOST_QUOTED = 2048

HOST_NOT_ALLOWED = "HostNotAllowed"

#: The Script's present source is no JavaScript; runners answer with the one before it.
_OLD_VERSION = "OldVersionServes"


def find_readiness(endpoint: Endpoint, scene: EndpointScene, others: Iterable[Finding]) -> Finding:
    """Give the finding; the others are what else was found, of which a False or True may be the reason."""
    known = {each.type: each for each in others}
    problem = _find_own_problem(scene, known) or _find_problem_around(endpoint, scene, known)
    if problem:
        return Finding(
            type=READY, is_true=False, reason=problem.reason, message=problem.message[:_MOST_QUOTED]
        )
    if fault := _find_fault(scene.script):
        message = f"Requests are answered by the source before this one: Script {scene.script_name}: {fault}"
        return Finding(type=READY, is_true=True, reason=_OLD_VERSION, message=message[:_MOST_QUOTED])
    return Finding(type=READY, is_true=True, reason=READY, message=_describe_answers(scene)[:_MOST_QUOTED])


def _describe_answers(scene: EndpointScene) -> str:
    """Say that requests are answered, and what nobody here can know: the operator may read no Secret."""
    if not scene.secrets:
        return "Requests are answered."
    named = ", ".join(sorted({each.name for each in scene.secrets}))
    return f"Requests are answered; with 503 while a Secret that auth names does not exist: {named}."


def _find_own_problem(scene: EndpointScene, known: dict[str, Finding]) -> Problem | None:
    if scene.problem:
        return scene.problem
    if not scene.standing.is_allowed:
        # The condition Programmed has the words.
        return _repeat(known["Programmed"])
    for kind in (CONFLICT, "Suspended"):
        if known[kind].is_true:
            return _repeat(known[kind])
    return None


def _find_problem_around(
    endpoint: Endpoint, scene: EndpointScene, known: dict[str, Finding]
) -> Problem | None:
    if not known["ScriptFound"].is_true:
        return _repeat(known["ScriptFound"])
    if unready := _find_script_problem(endpoint, scene):
        return Problem("ScriptNotReady", f"Script {scene.script_name}: {unready}")
    if scene.pool is None:
        return Problem("PoolStarting", "The RunnerPool is being made, whose runners answer requests.")
    pending = known.get("SecretsPending")
    if pending and pending.is_true:
        return Problem("SecretsPending", pending.message)
    if not scene.pool.is_serving:
        return Problem("RunnersNotReady", "No runner pod of the RunnerPool is ready; its condition says why.")
    return None


def _repeat(finding: Finding) -> Problem:
    return Problem(finding.reason, finding.message)


def _find_script_problem(endpoint: Endpoint, scene: EndpointScene) -> str:
    """Say why the Script cannot answer; nothing where nobody has judged it yet."""
    ready = _find(scene.script.status.conditions, READY) if scene.script else None
    if ready is None or ready.status != "False":
        return ""
    return "" if _find_fault(scene.script) and _has_answered(endpoint, scene) else ready.message


def _find_fault(script: Script | None) -> str:
    """Say why the source is no JavaScript."""
    compiled = _find(script.status.conditions, COMPILED) if script else None
    return compiled.message if compiled and compiled.reason == "SyntaxError" else ""


def _has_answered(endpoint: Endpoint, scene: EndpointScene) -> bool:
    """Say whether the Endpoint has been ready with this very Script: runners have a source then."""
    former = _find(endpoint.status.conditions, READY)
    return former is not None and former.status == "True" and endpoint.status.script == scene.script_name


def _find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    return next((each for each in conditions if each.type == kind), None)
