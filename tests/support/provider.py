"""An identity provider in a test: it has keys, gives tokens, and makes the wrong ones too."""

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import Algorithm, get_default_algorithms

from tests.support.callers import NOW

ISSUER = "https://id.example.com"
URI = "https://id.example.com/keys"
AUDIENCE = "shop"

#: Good claims; a test changes one.
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "u-1",
    "exp": int(NOW) + 600,
    "iat": int(NOW) - 5,
    "name": "Ada",
    "email": "ada@example.com",
}

Part = dict[str, Any] | str | bytes

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@cache
def make_private_key(algorithm: str, number: int = 0, bits: int = 2048) -> Any:
    """Give a private key for an algorithm; another one for another number."""
    if algorithm.startswith(("RS", "PS")):
        return rsa.generate_private_key(65537, bits)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    return ec.generate_private_key(curves[algorithm])


def make_jwk(algorithm: str, kid: str | None = "k1", number: int = 0, **more: Any) -> dict[str, Any]:
    """Give the public half as the provider publishes it."""
    public = make_private_key(algorithm, number).public_key()
    found: dict[str, Any] = find_algorithm(algorithm).to_jwk(public, as_dict=True)
    found.pop("key_ops", None)
    return found | ({} if kid is None else {"kid": kid}) | {"use": "sig", "alg": algorithm} | more


def find_algorithm(name: str) -> Algorithm:
    """Give what signs."""
    return get_default_algorithms()[name]


def encode(part: Part) -> str:
    """Give one part of a token."""
    raw = json.dumps(part) if isinstance(part, dict) else part
    return base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).decode().rstrip("=")


def sign(
    header: dict[str, Any] | str,
    claims: dict[str, Any] | str | bytes,
    algorithm: str = "RS256",
    number: int = 0,
) -> str:
    """Give a token whose signature is right, whatever it says."""
    text = f"{encode(header)}.{encode(claims)}"
    signature = find_algorithm(algorithm).sign(text.encode(), make_private_key(algorithm, number))
    return f"{text}.{encode(signature)}"


def sign_with_secret(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """Give a token that is signed with a shared secret."""
    text = f"{encode(header)}.{encode(claims)}"
    return f"{text}.{encode(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def make_token(algorithm: str = "RS256", **changes: Any) -> str:
    """Give a good token; claims that are None are left out."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return sign({"alg": algorithm, "kid": "k1", "typ": "JWT"}, claims, algorithm)
