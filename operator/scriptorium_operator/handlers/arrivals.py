"""That kopf told of something: noted before anything can go wrong with what it told."""

import kopf

from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind


def note_arrival(context: Context, kind: Kind, body: kopf.Body, *, is_gone: bool) -> None:
    """Tell the kind's canary, whatever the object may turn out to be."""
    canary = context.canaries[kind]
    uid = body.metadata["uid"]
    if is_gone:
        canary.forget(uid)
    else:
        canary.arrive(uid, body.metadata.get("generation", 0), context.now())
