"""Which key of a set a token is checked with, and the checking, which is PyJWT's."""

import json
from collections.abc import Mapping
from typing import Any

import jwt
from jwt.api_jws import PyJWS

from scriptorium_api.env import EnvKeyRef
from scriptorium_runner.endpoints.auth.ports import KeysUnavailable, Secrets

#: Providers have two or three.
MAX_KEYS = 100

#: The type of key, and for curves the curve, that each algorithm is made with.
_TYPES: Mapping[str, tuple[str, tuple[str | None, ...]]] = {
    **{f"{family}{bits}": ("RSA", (None,)) for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}

_SIGNATURES = PyJWS(options={"enforce_minimum_key_length": True})


class NoKey(Exception):
    """No key fits a token, or the one that does did not sign it; the message is for the log."""


def read_secret(reference: EnvKeyRef, secrets: Secrets) -> Mapping[str, Any]:
    """Give the key set that a Secret holds; raises KeysUnavailable."""
    value = secrets.read_key(reference.name, reference.key)
    if value is None:
        raise KeysUnavailable(f'the Secret "{reference.name}", key "{reference.key}", is missing')
    try:
        return parse_key_set(value)
    except ValueError as error:
        raise KeysUnavailable(f'the Secret "{reference.name}", key "{reference.key}", {error}') from None


def parse_key_set(text: bytes) -> Mapping[str, Any]:
    """Read a JSON Web Key Set; raises ValueError, whose message quotes nothing of it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is no JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise ValueError("is no JSON Web Key Set: an object with a list of keys")
    if len(found["keys"]) > MAX_KEYS:
        raise ValueError(f"has more than {MAX_KEYS} keys")
    return found


def has_key(key_set: Mapping[str, Any], algorithm: str, key_id: str | None) -> bool:
    """Say whether a set has a key for such a token."""
    return bool(_find_keys(key_set, algorithm, key_id))


def pick_key(key_set: Mapping[str, Any], algorithm: str, key_id: str | None) -> jwt.PyJWK:
    """Give the one key for such a token; raises NoKey."""
    found = _find_keys(key_set, algorithm, key_id)
    if not found:
        raise NoKey("the issuer has no key of the token's kid and algorithm")
    if len(found) > 1:
        raise NoKey("several keys of the issuer fit the token: its kid is missing, or is not unique")
    try:
        return jwt.PyJWK(found[0], algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise NoKey("the issuer's key of this kid is malformed") from None


def verify(token: str, key: jwt.PyJWK) -> bytes:
    """Give what a token says if the key has signed it; raises NoKey."""
    try:
        found = _SIGNATURES.decode_complete(token, key, algorithms=[key.algorithm_name])
    except (jwt.PyJWTError, ValueError, TypeError):
        raise NoKey("the token is not signed by the issuer's key of this kid") from None
    payload: bytes = found["payload"]
    return payload


def _find_keys(key_set: Mapping[str, Any], algorithm: str, key_id: str | None) -> list[dict[str, Any]]:
    return [
        each
        for each in key_set["keys"]
        if isinstance(each, dict) and (key_id is None or each.get("kid") == key_id) and _fits(each, algorithm)
    ]


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Say whether a key is meant for an algorithm: a shared secret or a key for encryption never is."""
    kind, curves = _TYPES[algorithm]
    operations = key.get("key_ops")
    return (
        key.get("kty") == kind
        and (kind == "RSA" or key.get("crv") in curves)
        and key.get("use") in (None, "sig")
        and key.get("alg") in (None, algorithm)
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )
