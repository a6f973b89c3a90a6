import pytest

from scriptorium_api import names
from scriptorium_api.env import Origin, ValueRef
from scriptorium_operator.context import Context
from scriptorium_operator.facts import POOL_PARTS, Key, Kind
from scriptorium_operator.notices import InSync
from scriptorium_operator.services import following
from tests.unit.operator.fakes import Clock, FakeCluster, make_cron_run, make_notice, make_script

POOL = Key(Kind.RUNNER_POOL, "team", "default")
NAMESPACE = Key(Kind.NAMESPACE, "", "team")
FROM_CODE = {"sourceFrom": {"configMapKeyRef": {"name": "code", "key": "main.js"}}}


def added(context: Context) -> list[Key]:
    keys: list[Key] = context.work.added  # type: ignore[attr-defined]
    return keys


@pytest.mark.parametrize("kind", [Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.ENDPOINT, Kind.EXECUTION])
def test_a_namespace_without_pool_that_gets_a_script_or_run_may_need_one(
    context: Context, kind: Kind
) -> None:
    following.take(context, make_notice(kind))
    assert added(context) == [NAMESPACE]


@pytest.mark.parametrize("kind", [Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.ENDPOINT, Kind.EXECUTION])
def test_where_a_pool_is_a_script_or_run_only_starts_its_idle_time_anew(
    context: Context, kind: Kind, clock: Clock
) -> None:
    following.take(context, make_notice(Kind.RUNNER_POOL, "default"))
    clock.advance(minutes=5)
    following.take(context, make_notice(kind))
    assert added(context) == []
    assert context.inventory.last_needed("team", clock()) == clock()


def test_a_script_that_went_is_looked_for_since_kopf_may_not_tell_and_another_may_have_its_name(
    context: Context,
) -> None:
    following.take(context, make_notice(Kind.SCRIPT, is_gone=True))
    assert Key(Kind.SCRIPT, "team", "hello") in added(context)


def test_a_removed_pool_may_be_needed_still(context: Context) -> None:
    following.take(context, make_notice(Kind.RUNNER_POOL, "default"))
    following.take(context, make_notice(Kind.RUNNER_POOL, "default", is_gone=True))
    assert added(context) == [NAMESPACE]


@pytest.mark.parametrize("kind", POOL_PARTS)
def test_a_pool_is_looked_at_when_a_part_of_it_changes(context: Context, kind: Kind) -> None:
    following.take(context, make_notice(Kind.RUNNER_POOL, "default"))
    following.take(context, make_notice(kind, "scriptorium-runner-default", is_gone=True))
    assert added(context) == [POOL]


def test_the_parts_of_a_removed_pool_are_nobodys_business(context: Context) -> None:
    following.take(context, make_notice(Kind.DEPLOYMENT, "scriptorium-runner-default", is_gone=True))
    assert added(context) == []


def test_a_pool_is_looked_at_when_its_namespace_changes(context: Context) -> None:
    following.take(context, make_notice(Kind.RUNNER_POOL, "default"))
    following.take(context, make_notice(Kind.NAMESPACE, "team", ""))
    following.take(context, make_notice(Kind.NAMESPACE, "other", ""))
    assert added(context) == [POOL]


def test_only_the_scripts_of_a_changed_config_map_are_looked_at(context: Context) -> None:
    key = Key(Kind.SCRIPT, "team", "hello")
    context.references.record(key, make_script(spec=FROM_CODE))
    following.take(context, make_notice(Kind.CONFIG_MAP, "kube-root-ca.crt"))
    following.take(context, make_notice(Kind.CONFIG_MAP, "code", "other-team"))
    assert added(context) == []
    following.take(context, make_notice(Kind.CONFIG_MAP, "code"))
    assert added(context) == [key]


def test_a_script_that_changes_its_config_map_leaves_the_former(context: Context) -> None:
    key = Key(Kind.SCRIPT, "team", "hello")
    context.references.record(key, make_script(spec=FROM_CODE))
    context.references.record(key, make_script())
    assert context.references.list_scripts("team", "code") == ()


async def test_a_follower_that_starts_again_forgets_what_it_was_told(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.told = [make_notice(Kind.SCRIPT), InSync()]
    await following.follow_kind(context, Kind.SCRIPT)
    assert context.inventory.has_users("team")
    assert Kind.SCRIPT in context.inventory.in_sync
    cluster.told = []
    await following.follow_kind(context, Kind.SCRIPT)
    assert not context.inventory.has_users("team")
    assert Kind.SCRIPT not in context.inventory.in_sync


PAYMENT = frozenset({ValueRef(Origin.SECRET, "payment", "api-key")})


def test_a_pool_is_looked_at_when_a_script_names_a_new_value_and_not_otherwise(context: Context) -> None:
    following.take(context, make_notice(Kind.RUNNER_POOL, "default"))
    following.take(context, make_notice(Kind.SCRIPT, values=PAYMENT))
    assert added(context) == [POOL]
    following.take(context, make_notice(Kind.SCRIPT, values=PAYMENT, generation=2))
    following.take(context, make_notice(Kind.SCRIPT, "other", values=PAYMENT))
    following.take(context, make_notice(Kind.SCRIPT, "third"))
    assert added(context) == [POOL]


def test_a_pool_is_looked_at_when_no_script_names_a_value_any_more(context: Context) -> None:
    following.take(context, make_notice(Kind.SCRIPT, values=PAYMENT))
    following.take(context, make_notice(Kind.SCRIPT, "other", values=PAYMENT))
    following.take(context, make_notice(Kind.RUNNER_POOL, "default"))
    context.work.added.clear()  # type: ignore[attr-defined]
    following.take(context, make_notice(Kind.SCRIPT))
    assert added(context) == []
    following.take(context, make_notice(Kind.SCRIPT, "other", is_gone=True))
    assert POOL in added(context)
    assert context.named_values.list_values("team") == ()


@pytest.mark.parametrize(
    "order", [(Kind.SCRIPT, Kind.RUNNER_POOL), (Kind.RUNNER_POOL, Kind.SCRIPT)], ids=["scripts first", "last"]
)
async def test_every_pool_is_looked_at_once_all_scripts_and_pools_are_told(
    context: Context, cluster: FakeCluster, order: tuple[Kind, Kind]
) -> None:
    for kind in order:
        context.work.added.clear()  # type: ignore[attr-defined]
        cluster.told = [make_notice(kind, "default"), InSync()]
        await following.follow_kind(context, kind)
    assert POOL in added(context)


NIGHTLY = Key(Kind.CRON_SCRIPT, "team", "nightly")


def test_a_schedule_is_looked_at_when_a_run_of_it_changes_and_when_one_goes(context: Context) -> None:
    notice = make_notice(Kind.EXECUTION, "run", uid="uid-run", cron_run=make_cron_run())
    following.take(context, notice)
    following.take(context, notice)
    assert added(context).count(NIGHTLY) == 1
    following.take(context, make_notice(Kind.EXECUTION, "run", uid="uid-run", is_gone=True))
    assert added(context).count(NIGHTLY) == 2
    assert context.cron_runs.list_runs(NIGHTLY) == ()


def test_a_schedule_is_looked_at_when_its_script_changes_until_it_runs_another(context: Context) -> None:
    context.script_users.record(NIGHTLY, ["hello"])
    following.take(context, make_notice(Kind.SCRIPT, "other"))
    assert NIGHTLY not in added(context)
    following.take(context, make_notice(Kind.SCRIPT, "hello"))
    assert added(context).count(NIGHTLY) == 1
    context.script_users.record(NIGHTLY, ["other"])
    following.take(context, make_notice(Kind.SCRIPT, "hello"))
    assert added(context).count(NIGHTLY) == 1


def test_a_schedule_is_looked_at_when_its_cron_job_changes(context: Context) -> None:
    following.take(context, make_notice(Kind.CRON_JOB, "any", owner="nightly"))
    assert added(context) == [NIGHTLY]


def test_a_schedule_is_looked_at_when_its_cron_job_went_in_a_gap_of_the_watch(context: Context) -> None:
    for name in ("nightly", "hourly"):
        context.inventory.note_user(make_notice(Kind.CRON_SCRIPT, name))
    following.take(context, make_notice(Kind.CRON_JOB, names.cron_job_name("nightly"), is_gone=True))
    assert added(context) == [NIGHTLY]


def test_schedules_are_looked_at_when_their_pool_has_another_spec_and_not_for_its_status(
    context: Context,
) -> None:
    following.take(context, make_notice(Kind.CRON_SCRIPT, "nightly"))
    following.take(context, make_notice(Kind.CRON_SCRIPT, "elsewhere", "other"))
    for generation in (1, 1, 2):
        following.take(context, make_notice(Kind.RUNNER_POOL, "default", generation=generation))
    assert added(context).count(NIGHTLY) == 2
    assert Key(Kind.CRON_SCRIPT, "other", "elsewhere") not in added(context)


async def test_every_schedule_is_looked_at_once_all_runs_are_told(
    context: Context, cluster: FakeCluster
) -> None:
    following.take(context, make_notice(Kind.CRON_SCRIPT, "nightly"))
    cluster.told = [InSync()]
    await following.follow_kind(context, Kind.EXECUTION)
    assert NIGHTLY in added(context)


def test_the_job_of_a_schedule_is_no_runs_own(context: Context) -> None:
    following.take(context, make_notice(Kind.JOB, "nightly-1", owner=""))
    assert added(context) == []
