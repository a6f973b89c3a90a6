"""The Kubernetes client's errors in the operator's own words."""

from collections.abc import Iterator
from contextlib import contextmanager

import scriptorium_client as kubernetes
from scriptorium_operator.errors import ClusterRefused, ClusterUnavailable, NoRoom, Outdated, Vanished

#: How the API server words its refusal to create in a namespace that is going away.
_BEING_TERMINATED = "being terminated"

#: And how for a quota; it has the same code as a missing right.
_NO_ROOM = "exceeded quota:"


@contextmanager
def translated(*, is_write: bool = False) -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except kubernetes.Unavailable as error:
        raise ClusterUnavailable(str(error), error.retry_after) from error
    except (kubernetes.Conflict, kubernetes.Gone) as error:
        raise Outdated(str(error)) from error
    except kubernetes.ApiError as error:
        is_ending = _BEING_TERMINATED in str(error) or isinstance(error, kubernetes.NotFound)
        if is_write and is_ending:
            raise Vanished(str(error)) from error
        raise (NoRoom if _NO_ROOM in str(error) else ClusterRefused)(str(error)) from error
