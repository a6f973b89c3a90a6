"""What the API server refuses, in the operator's own words."""

import pytest

from scriptorium_client import ApiError, Forbidden, NotFound
from scriptorium_operator.errors import ClusterRefused, NoRoom, OperatorError, Vanished
from scriptorium_operator.gateways.errors import translated

QUOTA = 'scriptexecutions.scriptorium.dev "a" is forbidden: exceeded quota: small, requested: count/x=1'


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Forbidden("may not create scriptexecutions"), ClusterRefused),
        (Forbidden(QUOTA), NoRoom),
        (Forbidden("namespace team is being terminated"), Vanished),
        (NotFound("gone"), Vanished),
    ],
)
def test_a_write_is_refused_for_one_of_these_reasons(error: ApiError, kind: type[OperatorError]) -> None:
    with pytest.raises(OperatorError) as raised, translated(is_write=True):
        raise error
    assert type(raised.value) is kind
