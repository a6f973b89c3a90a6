"""Whether an object that is there may be made ours."""

from scriptorium_operator.errors import ClusterRefused, Outdated
from scriptorium_operator.facts import Controller


def check_owner(kind: str, theirs: Controller | None, ours: Controller | None) -> None:
    """Refuse to take an object from another controller, as Kubernetes' own controllers do.

    What belongs to another owner of the same kind and name is about to be collected with it, or that one is
    the newer and we are late: raises Outdated. Were the late one obeyed, the objects of the newer would
    belong to one that is gone, and be collected. Raises ClusterRefused if the object is anybody else's.
    """
    if theirs is None or theirs == ours:
        return
    owner = f"{theirs.kind} {theirs.name}"
    if ours is not None and (theirs.kind, theirs.name) == (ours.kind, ours.name):
        raise Outdated(f"the {kind} belongs to another {owner} than this one")
    ours_is = f"the {ours.kind}" if ours else "ours"
    raise ClusterRefused(f"the {kind} belongs to {owner}; delete it, or give {ours_is} another name")
