"""Comparing with secrets, so that the time it takes tells nothing of them. Pure."""

import hashlib
import hmac


def equals(given: bytes, secret: bytes) -> bool:
    """Say whether two texts are the same, without telling how long or how alike they are.

    Their digests are compared: two texts of different lengths would else be told apart at once.
    """
    return hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(secret).digest())


def matches(given: bytes, secret: bytes) -> bool:
    """Say the same of a value of a Secret: an empty one is no secret, and matches nothing."""
    secret = strip_newline(secret)
    return equals(given, secret) & (len(secret) > 0)


def strip_newline(value: bytes) -> bytes:
    """Take off the one newline that editors and `echo` leave at the end of a file."""
    return value.removesuffix(b"\n").removesuffix(b"\r") if value.endswith(b"\n") else value
