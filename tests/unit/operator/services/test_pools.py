from dataclasses import replace

import pytest

from scriptorium_api import names
from scriptorium_api.env import Origin, ValueRef
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.context import Context
from scriptorium_operator.errors import ClusterRefused, Outdated
from scriptorium_operator.facts import POOL_PARTS, Address, Key, Kind, Manifest
from scriptorium_operator.services import pools, sweeping
from tests.unit.operator.fakes import (
    Clock,
    FakeCluster,
    make_cron_script,
    make_notice,
    make_pool,
    make_script,
)

KEY = Key(Kind.RUNNER_POOL, "team", "default")
NAMESPACE = Key(Kind.NAMESPACE, "", "team")
DEPLOYMENT = Key(Kind.DEPLOYMENT, "team", names.pool_object_name("default"))
OURS = names.runner_labels("default")
ALL_KINDS = {Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.EXECUTION, Kind.RUNNER_POOL}


def note_pool(context: Context, **changes: object) -> None:
    notice = make_notice(Kind.RUNNER_POOL, "default", **({"labels": OURS} | changes))
    context.inventory.note_pool(notice)
    context.inventory.in_sync |= ALL_KINDS


async def test_a_pool_gets_all_its_parts_and_one_status(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_pool(replicas=2))
    await pools.reconcile(context, KEY)
    assert sorted(cluster.writes) == sorted([f"apply {kind}" for kind in POOL_PARTS] + ["status RunnerPool"])


async def test_a_second_look_writes_nothing(context: Context, cluster: FakeCluster, clock: Clock) -> None:
    cluster.put(make_pool())
    await pools.reconcile(context, KEY)
    cluster.writes.clear()
    clock.advance(hours=1)
    await pools.reconcile(context, KEY)
    assert cluster.writes == []


async def test_a_part_that_vanished_is_made_again_and_only_that(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool())
    await pools.reconcile(context, KEY)
    cluster.writes.clear()
    del cluster.objects[DEPLOYMENT]
    await pools.reconcile(context, KEY)
    assert cluster.writes == ["apply Deployment"]


async def test_a_field_that_is_no_longer_wanted_is_taken_back(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_pool(nodeSelector={"disk": "ssd"}))
    await pools.reconcile(context, KEY)
    cluster.writes.clear()
    cluster.put(make_pool())
    await pools.reconcile(context, KEY)
    assert "apply Deployment" in cluster.writes


async def test_a_policy_that_is_switched_off_is_removed(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_pool())
    await pools.reconcile(context, KEY)
    policy = cluster.objects[Key(Kind.NETWORK_POLICY, "team", DEPLOYMENT.name)]
    policy["metadata"]["uid"] = "np1"
    cluster.writes.clear()
    runner = replace(context.settings.runner, has_network_policy=False)
    await pools.reconcile(replace(context, settings=replace(context.settings, runner=runner)), KEY)
    assert cluster.writes == ["delete NetworkPolicy"]


async def test_a_pool_that_has_one_runner_left_loses_its_disruption_budget(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool(replicas=2))
    await pools.reconcile(context, KEY)
    budget = cluster.objects[Key(Kind.DISRUPTION_BUDGET, "team", DEPLOYMENT.name)]
    budget["metadata"]["uid"] = "b1"
    cluster.put(make_pool(replicas=1))
    cluster.writes.clear()
    await pools.reconcile(context, KEY)
    assert "delete PodDisruptionBudget" in cluster.writes


async def test_somebody_elses_disruption_budget_is_left_alone(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_pool(replicas=1))
    theirs = Key(Kind.DISRUPTION_BUDGET, "team", DEPLOYMENT.name)
    cluster.objects[theirs] = {"metadata": {"name": DEPLOYMENT.name, "uid": "b1"}}
    await pools.reconcile(context, KEY)
    assert theirs in cluster.objects


async def test_an_operator_that_holds_a_former_pool_leaves_the_newer_ones_objects_alone(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool())
    await pools.reconcile(context, KEY)
    (owner,) = cluster.objects[DEPLOYMENT]["metadata"]["ownerReferences"]
    owner["uid"] = "newer"
    cluster.writes.clear()
    with pytest.raises(Outdated):
        await pools.reconcile(context, KEY)
    assert cluster.writes == []


async def test_what_belongs_to_something_else_is_not_taken_and_the_status_says_so(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool())
    await pools.reconcile(context, KEY)
    (owner,) = cluster.objects[DEPLOYMENT]["metadata"]["ownerReferences"]
    owner |= {"kind": "Shop", "name": "web", "uid": "s1"}
    cluster.writes.clear()
    with pytest.raises(ClusterRefused):
        await pools.reconcile(context, KEY)
    assert cluster.writes == ["status RunnerPool"]
    condition = RunnerPool.from_wire(cluster.objects[KEY]).status.conditions[0]
    assert condition.message.startswith("the Deployment belongs to Shop web")


async def test_nothing_is_written_into_a_namespace_that_ends(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_pool())
    cluster.put(make_script())
    cluster.ending.add("team")
    await pools.reconcile(context, KEY)
    del cluster.objects[KEY]
    context.inventory.note_user(make_notice(Kind.SCRIPT))
    await pools.ensure_pool(context, NAMESPACE)
    assert cluster.writes == []


async def test_a_refusal_is_told_in_the_status_and_tried_again(
    context: Context, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(manifest: Manifest, *_: object) -> Manifest:
        raise ClusterRefused("exceeded quota: small")

    monkeypatch.setattr(cluster, "apply", refuse)
    cluster.put(make_pool())
    for _ in range(2):
        with pytest.raises(ClusterRefused):
            await pools.reconcile(context, KEY)
    condition = RunnerPool.from_wire(cluster.objects[KEY]).status.conditions[0]
    assert (condition.reason, condition.message) == ("Refused", "exceeded quota: small")
    assert cluster.writes == ["status RunnerPool"]


@pytest.mark.parametrize(
    ("has_script", "has_run", "writes"),
    [
        (True, False, ["apply RunnerPool"]),
        (False, True, ["apply RunnerPool"]),
        (False, False, []),
    ],
)
async def test_a_pool_is_made_where_a_script_or_an_unfinished_run_is(
    context: Context, cluster: FakeCluster, *, has_script: bool, has_run: bool, writes: list[str]
) -> None:
    if has_script:
        context.inventory.note_user(make_notice(Kind.SCRIPT))
    cluster.unfinished = {"team"} if has_run else set()
    await pools.ensure_pool(context, NAMESPACE)
    assert cluster.writes == writes


@pytest.mark.parametrize("kind", [Kind.CRON_SCRIPT, Kind.ENDPOINT])
async def test_a_pool_is_made_where_a_schedule_or_an_endpoint_is(
    context: Context, cluster: FakeCluster, kind: Kind
) -> None:
    context.inventory.note_user(make_notice(kind))
    await pools.ensure_pool(context, NAMESPACE)
    assert cluster.writes == ["apply RunnerPool"]


async def test_a_pool_that_is_there_is_left_as_it_is(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_pool(replicas=7))
    context.inventory.note_user(make_notice(Kind.SCRIPT))
    await pools.ensure_pool(context, NAMESPACE)
    assert cluster.writes == []


async def test_a_pool_that_a_user_made_in_the_same_moment_stays_theirs(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.is_shared = True
    cluster.unfinished = {"team"}
    await pools.ensure_pool(context, NAMESPACE)
    assert "labels" not in cluster.objects[KEY]["metadata"]


async def test_an_idle_pool_is_removed_after_its_time(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_pool())
    note_pool(context)
    await sweeping.sweep(context)
    clock.advance(minutes=9)
    await sweeping.sweep(context)
    assert cluster.writes == []
    clock.advance(minutes=1)
    await sweeping.sweep(context)
    assert cluster.writes == ["delete RunnerPool"]


async def test_a_run_that_nobody_told_of_keeps_the_pool(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_pool())
    cluster.unfinished = {"team"}
    note_pool(context)
    await sweeping.sweep(context)
    clock.advance(minutes=11)
    await sweeping.sweep(context)
    cluster.unfinished.clear()
    clock.advance(minutes=9)
    await sweeping.sweep(context)
    assert cluster.writes == []


async def test_a_schedule_that_nobody_told_of_keeps_the_pool(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_pool())
    cluster.put(make_cron_script())
    note_pool(context)
    await sweeping.sweep(context)
    clock.advance(minutes=11)
    await sweeping.sweep(context)
    assert cluster.writes == []


async def test_a_users_pool_is_never_removed(context: Context, cluster: FakeCluster, clock: Clock) -> None:
    cluster.put(make_pool())
    note_pool(context, labels={})
    await sweeping.sweep(context)
    clock.advance(days=7)
    await sweeping.sweep(context)
    assert cluster.writes == []


async def test_nothing_is_removed_before_everything_was_told(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    note_pool(context)
    context.inventory.in_sync.discard(Kind.EXECUTION)
    await sweeping.sweep(context)
    clock.advance(days=1)
    await sweeping.sweep(context)
    assert cluster.writes == []


async def test_every_pool_follows_an_api_server_that_moved(context: Context) -> None:
    note_pool(context)
    context.inventory.api_server = [Address("10.9.9.9", 6443)]
    await sweeping.sweep(context)
    assert context.work.added == [KEY]  # type: ignore[attr-defined]


async def test_scripts_stay_away_from_where_the_api_server_was(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool())
    context.inventory.api_server = [Address("10.9.9.9", 6443)]
    await sweeping.sweep(context)
    await pools.reconcile(context, KEY)
    (container,) = cluster.objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"]
    (denied,) = (each for each in container["env"] if each["name"] == "SCRIPTORIUM_HTTP_DENIED_ADDRESSES")
    assert denied["value"] == "10.0.0.1,10.9.9.9"
    rules = cluster.objects[replace(DEPLOYMENT, kind=Kind.NETWORK_POLICY)]["spec"]["egress"]
    assert rules[1]["to"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]


async def test_a_missing_pool_is_asked_for_by_the_sweep(context: Context) -> None:
    context.inventory.in_sync |= ALL_KINDS
    context.inventory.note_user(make_notice(Kind.SCRIPT))
    await sweeping.sweep(context)
    assert context.work.added == [NAMESPACE]  # type: ignore[attr-defined]


PAYMENT = ValueRef(Origin.SECRET, "payment", "api-key")
SCRIPT = Key(Kind.SCRIPT, "team", "hello")


def volumes_of(cluster: FakeCluster) -> list[str]:
    pod = cluster.objects[DEPLOYMENT]["spec"]["template"]["spec"]
    return [volume["name"] for volume in pod["volumes"]]


async def test_a_pool_mounts_what_the_scripts_of_its_namespace_name(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool())
    context.named_values.record(SCRIPT, frozenset({PAYMENT}))
    context.named_values.record(Key(Kind.SCRIPT, "other", "hello"), frozenset({PAYMENT}))
    await pools.reconcile(context, KEY)
    assert volumes_of(cluster) == ["tmp", "values"]
    cluster.writes.clear()
    await pools.reconcile(context, KEY)
    assert cluster.writes == []
    context.named_values.record(SCRIPT, frozenset())
    await pools.reconcile(context, KEY)
    assert cluster.writes == ["apply Deployment", "status RunnerPool"]
    assert volumes_of(cluster) == ["tmp"]


async def test_nothing_is_unmounted_before_all_scripts_are_told(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool())
    context.inventory.in_sync.discard(Kind.SCRIPT)
    await pools.reconcile(context, KEY)
    assert cluster.writes == []
