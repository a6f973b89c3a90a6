"""Who calls: the entries of an Endpoint's `auth` in their order, until the credentials of one are there.

    verdicts, ports        what is found out, and what that needs from outside
    credentials, equality  what the caller sent, read strictly; compared in constant time        pure
    api_key, basic         keys and passwords of Secrets                                         pure
    signatures             webhooks                                                              pure
    tokens, keys           JSON Web Tokens, and the key that each is checked with
    key_sets, key_fetching the keys of identity providers: kept, and asked for
    scripts                what another Script said
    decisions              the order, and what is answered to those who may not call

Nothing in an answer tells which part of the credentials was wrong; `Refused.reason` does, for the log.
"""

from scriptorium_runner.endpoints.auth.decisions import decide
from scriptorium_runner.endpoints.auth.ports import Doors, KeysUnavailable, ScriptFailed, Secrets
from scriptorium_runner.endpoints.auth.verdicts import Admitted, Refused

__all__ = ["Admitted", "Doors", "KeysUnavailable", "Refused", "ScriptFailed", "Secrets", "decide"]
