"""The order of the ways, and what is answered to those who may not call."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from scriptorium_api.endpoints.auth import Way
from scriptorium_runner.endpoints import addresses
from scriptorium_runner.endpoints.auth import api_key, basic, scripts, signatures, tokens
from scriptorium_runner.endpoints.auth.ports import Doors, Secrets
from scriptorium_runner.endpoints.auth.verdicts import Admitted, Denied, Fault, Refused, Verdict
from scriptorium_runner.endpoints.calls import Call, Headers

_NO_PARAMS: Mapping[str, str] = MappingProxyType({})

#: Status, title and detail of each fault.
_ANSWERS = {
    Fault.MISSING: (401, "Unauthorized", "this needs credentials, and none were sent"),
    Fault.AMBIGUOUS: (400, "Bad Request", "credentials must be sent once"),
    Fault.WRONG: (401, "Unauthorized", "the credentials are not accepted"),
    Fault.FORBIDDEN: (403, "Forbidden", "the caller is not allowed to do this"),
    Fault.UNDECIDED: (503, "Service Unavailable", "who calls cannot be told at the moment; try again"),
}

#: What RFC 6750 (3.1) calls each of them; without credentials it wants no code.
_BEARER_ERRORS = {Fault.AMBIGUOUS: "invalid_request", Fault.WRONG: "invalid_token"}

_RETRY_SECONDS = "10"


async def decide(
    ways: Sequence[Way],
    call: Call,
    secrets: Secrets,
    doors: Doors,
    params: Mapping[str, str] = _NO_PARAMS,
) -> Admitted | Refused:
    """Say who calls. The first way whose credentials are there decides, and no other is asked.

    `params` are those of the path, for a Script that decides.
    """
    for way in ways:
        verdict = await _check(way, call, secrets, doors, params)
        if isinstance(verdict, Admitted):
            return verdict
        if verdict is not None:
            return refuse(verdict, ways, way)
    return refuse(Denied(Fault.MISSING, "no credentials were sent"), ways)


def needs_body(ways: Sequence[Way], call: Call) -> bool:
    """Say whether who calls can depend on the body, of which `decide` then has to have all."""
    forms = [signatures.find_form(way.hmac) for way in ways if way.hmac is not None]
    return any(call.find_header(form.header) is not None for form in forms)


async def _check(way: Way, call: Call, secrets: Secrets, doors: Doors, params: Mapping[str, str]) -> Verdict:
    if way.jwt is not None:
        return await tokens.check(way.jwt, call, secrets, doors)
    if way.hmac is not None:
        return await signatures.check(way.hmac, call, secrets, doors.now())
    if way.script is not None:
        return await scripts.check(way.script, call, doors, params)
    return _check_at_once(way, call, secrets)


def _check_at_once(way: Way, call: Call, secrets: Secrets) -> Verdict:
    if way.none is not None:
        return Admitted(None, f"ip:{addresses.find_network(call.ip)}")
    if way.api_key is not None:
        return api_key.check(way.api_key, call, secrets)
    if way.basic is not None:
        return basic.check(way.basic, call, secrets)
    # Fails closed: what is not known here admits nobody.
    return Denied(Fault.UNDECIDED, "this runner does not know this way to say who one is")


def refuse(denied: Denied, ways: Sequence[Way], decisive: Way | None = None) -> Refused:
    """Give the answer; `decisive` is the way whose credentials were there."""
    status, title, detail = _ANSWERS[denied.fault]
    return Refused(
        status=status,
        title=title,
        detail=denied.detail or detail,
        headers=_build_headers(denied.fault, ways, decisive),
        reason=denied.reason,
    )


def _build_headers(fault: Fault, ways: Sequence[Way], decisive: Way | None) -> Headers:
    if fault is Fault.UNDECIDED:
        return (("Retry-After", _RETRY_SECONDS),)
    if fault is Fault.FORBIDDEN:
        return ()
    if fault is Fault.AMBIGUOUS and (decisive is None or decisive.jwt is None):
        return ()
    challenges = [_write_challenge(each, fault if each is decisive else Fault.MISSING) for each in ways]
    return tuple(("WWW-Authenticate", each) for each in dict.fromkeys(challenges) if each)


def _write_challenge(way: Way, fault: Fault) -> str:
    """Give what asks for credentials, where HTTP has words for it: for keys and signatures it has none."""
    if way.basic is not None:
        return f'Basic realm="{way.basic.realm}", charset="UTF-8"'
    if way.jwt is not None:
        error = _BEARER_ERRORS.get(fault)
        return 'Bearer realm="scriptorium"' + (f', error="{error}"' if error else "")
    return ""
