from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scriptorium_operator.decide.pool_needs import PoolFate, PoolUse, decide_fate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDLE = timedelta(minutes=10)
LONG_IDLE = PoolUse(
    is_ours=True, has_users=False, has_unfinished_runs=False, last_needed=NOW - timedelta(minutes=10)
)


@pytest.mark.parametrize(
    ("change", "fate"),
    [
        ({}, PoolFate.IDLE),
        ({"is_ours": False}, PoolFate.USERS_OWN),
        ({"has_users": True}, PoolFate.NEEDED),
        ({"has_unfinished_runs": True}, PoolFate.NEEDED),
        ({"last_needed": NOW - timedelta(minutes=9)}, PoolFate.WAITING),
        ({"is_ours": False, "has_users": True}, PoolFate.USERS_OWN),
    ],
)
def test_a_pool_goes_only_if_ours_and_long_unneeded(change: dict[str, Any], fate: PoolFate) -> None:
    assert decide_fate(replace(LONG_IDLE, **change), NOW, IDLE) is fate
