import pytest

from scriptorium_runner.engine import Seal
from scriptorium_runner.settings import SettingError, read_pool_settings

LEAST = {"POD_NAMESPACE": "team", "POD_NAME": "runner-1", "POD_UID": "uid", "SCRIPTORIUM_TENANT_ID": "ns-uid"}


def test_what_the_operator_sets_is_enough() -> None:
    found = read_pool_settings(LEAST)
    assert (found.pool, found.workers, found.health_port, found.drain_seconds) == ("default", 10, 8081, 30)
    assert (found.tenant.name, found.tenant.organization_id) == ("team", None)


def test_each_start_has_an_id_of_its_own() -> None:
    assert read_pool_settings(LEAST).holder.start_id != read_pool_settings(LEAST).holder.start_id


@pytest.mark.parametrize(
    ("text", "seal"), [("", Seal.FULL), ("true", Seal.FULL), ("false", Seal.LANDLOCK_OPTIONAL)]
)
def test_landlock_is_required_unless_the_platform_says_otherwise(text: str, seal: Seal) -> None:
    assert read_pool_settings(LEAST | {"SCRIPTORIUM_REQUIRE_LANDLOCK": text}).seal is seal


@pytest.mark.parametrize("text", ["no", "False", "none", "0"])
def test_nothing_else_can_be_relaxed(text: str) -> None:
    with pytest.raises(SettingError, match="SCRIPTORIUM_REQUIRE_LANDLOCK must be true or false"):
        read_pool_settings(LEAST | {"SCRIPTORIUM_REQUIRE_LANDLOCK": text})


@pytest.mark.parametrize("name", LEAST)
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingError, match=name):
        read_pool_settings({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize("text", ["", "0", "101", "-1", "1.5", "many", "١٢", " 1"])
def test_a_number_that_is_none_or_out_of_bounds_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingError, match="SCRIPT_VM_POOL_SIZE must be a whole number from 1 to 100"):
        read_pool_settings(LEAST | {"SCRIPT_VM_POOL_SIZE": text})
