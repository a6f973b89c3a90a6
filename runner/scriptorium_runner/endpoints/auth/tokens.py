"""Tokens of identity providers: JSON Web Tokens (RFC 7519), read as RFC 8725 advises.

Which key a token is checked with is ours to say, and which algorithms are taken is the manifest's: of the
token's own header only `alg` and `kid` are read, and a key or an address of one that it brings is nothing.
"""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

from scriptorium_api.endpoints.auth import Jwt
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.auth import credentials, keys
from scriptorium_runner.endpoints.auth.ports import Doors, KeysUnavailable, Secrets
from scriptorium_runner.endpoints.auth.verdicts import Admitted, Denied, Fault, Verdict
from scriptorium_runner.endpoints.calls import Call

#: A caller is counted by its sub.
_MAX_SUBJECT = 512


class BadToken(Exception):
    """A token does not do; the message is for the log, and holds nothing of the token."""


@frozen
class Head:
    """All that is believed of a token before its signature was checked."""

    algorithm: str
    key_id: str | None


async def check(way: Jwt, call: Call, secrets: Secrets, doors: Doors) -> Verdict:
    """Say whose token was sent."""
    sent = credentials.find_authorization(call, "bearer")
    if sent is None or isinstance(sent, Denied):
        return sent
    try:
        head = read_head(sent, way)
        key_set = await _find_keys(way, secrets, doors, head)
        claims = read_claims(keys.verify(sent, keys.pick_key(key_set, head.algorithm, head.key_id)))
        check_claims(claims, way, doors.now())
    except (BadToken, keys.NoKey) as error:
        return Denied(Fault.WRONG, str(error))
    except KeysUnavailable as error:
        detail = "a Secret is missing" if way.jwks_secret_ref else ""
        return Denied(Fault.UNDECIDED, str(error), detail)
    return Admitted(build_user(claims), f"jwt:{way.issuer} {claims['sub']}")


async def _find_keys(way: Jwt, secrets: Secrets, doors: Doors, head: Head) -> Mapping[str, Any]:
    """Give the provider's keys, anew where those that are known lack this one."""
    if way.jwks_secret_ref is not None:
        return keys.read_secret(way.jwks_secret_ref, secrets)
    uri = way.jwks_uri or ""
    known = await doors.fetch_keys(uri)
    if keys.has_key(known, head.algorithm, head.key_id):
        return known
    return await doors.fetch_keys(uri, anew=True)


def read_head(token: str, way: Jwt) -> Head:
    """Read the header of a token, and refuse what no key could mend."""
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("the token does not have three parts")
    try:
        header = _read_object(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except ValueError:
        raise BadToken("the header of the token is no JSON object") from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in [each.value for each in way.algorithms]:
        raise BadToken("the token is signed by an algorithm that this Endpoint does not take")
    if not (key_id is None or isinstance(key_id, str)):
        raise BadToken("the kid of the token is no text")
    if "crit" in header or "b64" in header:
        raise BadToken("the token wants extensions that are not known here")
    return Head(str(algorithm), key_id)


def read_claims(payload: bytes) -> dict[str, Any]:
    """Read the claims of a token whose signature is right."""
    try:
        return _read_object(payload)
    except ValueError:
        raise BadToken("the claims of the token are no JSON object, or one is there twice") from None


def check_claims(claims: Mapping[str, Any], way: Jwt, now: float) -> None:
    """Refuse a token that is of another issuer, for another audience, or not for this moment."""
    if claims.get("iss") != way.issuer:
        raise BadToken("iss of the token is another issuer")
    audiences = claims.get("aud")
    if way.audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise BadToken("aud of the token is another audience")
    expiry = _read_time(claims, "exp")
    if expiry is None or expiry <= now - way.leeway_seconds:
        raise BadToken("the token has no exp" if expiry is None else "the token has expired")
    for name in ("nbf", "iat"):
        moment = _read_time(claims, name)
        if moment is not None and moment > now + way.leeway_seconds:
            raise BadToken(f"{name} of the token is in the future")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
        raise BadToken(f"sub of the token is no text of 1 to {_MAX_SUBJECT} characters")


def build_user(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the script sees as ctx.user."""
    known = {name: claims[name] for name in ("name", "email") if isinstance(claims.get(name), str)}
    return {"id": claims["sub"]} | known | {"claims": dict(claims)}


def _read_time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadToken(f"{name} of the token is no number")
    return value


def _read_object(text: bytes) -> dict[str, Any]:
    """Read a JSON object that everybody reads alike; raises ValueError for any other."""
    try:
        found = json.loads(text.decode(), object_pairs_hook=_without_twins, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
