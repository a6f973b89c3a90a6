"""Users and passwords, as RFC 7617 has them. Pure."""

import base64
import binascii
from collections.abc import Mapping

from scriptorium_api.endpoints.auth import Basic
from scriptorium_runner.endpoints.auth import credentials, equality
from scriptorium_runner.endpoints.auth.ports import Secrets
from scriptorium_runner.endpoints.auth.verdicts import Admitted, Denied, Fault, Verdict
from scriptorium_runner.endpoints.calls import Call


def check(way: Basic, call: Call, secrets: Secrets) -> Verdict:
    """Say whose name and password were sent."""
    sent = credentials.find_authorization(call, "basic")
    if sent is None or isinstance(sent, Denied):
        return sent
    pair = read_pair(sent)
    if pair is None:
        return Denied(Fault.WRONG, "Authorization: Basic is not the base64 of a user, a colon and a password")
    users = secrets.read(way.secret_ref.name)
    if users is None:
        return Denied(
            Fault.UNDECIDED, f'the Secret "{way.secret_ref.name}" is missing', "a Secret is missing"
        )
    user = find_user(pair, users)
    if user is None:
        return Denied(
            Fault.WRONG, f'user and password do not go together in the Secret "{way.secret_ref.name}"'
        )
    return Admitted({"id": user}, f"basic:{user}")


def read_pair(sent: str) -> tuple[bytes, bytes] | None:
    """Give user and password: UTF-8 without control characters, cut at the first colon."""
    try:
        text = base64.b64decode(sent, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    if not colon or any(ord(each) < 0x20 or ord(each) == 0x7F for each in text):
        return None
    return user.encode(), password.encode()


def find_user(pair: tuple[bytes, bytes], users: Mapping[str, bytes]) -> str | None:
    """Give the user whose name and password these are.

    All are compared, byte by byte and with nothing normalised: a user who is not there costs the same, and
    no other spelling stands for a name.
    """
    user, password = pair
    found = None
    for name, secret in users.items():
        if equality.equals(user, name.encode()) & equality.matches(password, secret):
            found = name
    return found
