from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scriptorium_api import names
from scriptorium_api.conditions import Condition
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.env import whole_secret
from scriptorium_operator.context import Context
from scriptorium_operator.endpoint_facts import PoolState
from scriptorium_operator.endpoint_settings import EndpointSettings, HostRule
from scriptorium_operator.errors import ClusterRefused
from scriptorium_operator.facts import Key, Kind, Manifest
from scriptorium_operator.gateways import reading
from scriptorium_operator.notices import InSync
from scriptorium_operator.services import announcing, endpoints, following, ingresses, pools
from tests.unit.operator.fakes import FakeCluster, make_endpoint, make_notice, make_pool, make_script

HOST = "shop.example.com"
INGRESS = Key(Kind.INGRESS, "team", names.ingress_name(HOST, "", ""))
SERVING = PoolState(is_serving=True)
KEYS: dict[str, Any] = {"auth": [{"apiKey": {"secretRef": {"name": "keys"}}}]}


@pytest.fixture(autouse=True)
def _surroundings(context: Context, cluster: FakeCluster) -> None:
    """A namespace with a pool that serves, and a Script."""
    cluster.put(make_script())
    context.pool_states["team"] = SERVING


def key_of(endpoint: Endpoint) -> Key:
    return Key(Kind.ENDPOINT, endpoint.metadata.namespace, endpoint.metadata.name)


def tell(context: Context, cluster: FakeCluster, *told: Endpoint) -> None:
    """Put Endpoints, with the status that they have, and have the follower tell of them."""
    for endpoint in told:
        live = cluster.objects.get(key_of(endpoint), {})
        cluster.objects[key_of(endpoint)] = endpoint.to_wire() | (
            {"status": live["status"]} if "status" in live else {}
        )
        following.take(
            context, reading.read_notice(Kind.ENDPOINT, cluster.objects[key_of(endpoint)], is_gone=False)
        )


def remove(context: Context, cluster: FakeCluster, endpoint: Endpoint) -> None:
    item = cluster.objects.pop(key_of(endpoint))
    following.take(context, reading.read_notice(Kind.ENDPOINT, item, is_gone=True))


async def work_off(context: Context) -> None:
    """Bring all up to date that was asked for, and what that asks for."""
    verbs: dict[Kind, Callable[[Context, Key], Any]] = {
        Kind.ENDPOINT: endpoints.reconcile,
        Kind.INGRESS: ingresses.reconcile,
    }
    added: list[Key] = context.work.added  # type: ignore[attr-defined]
    while added:
        key = added.pop()
        if key.kind in verbs:
            await verbs[key.kind](context, key)


def live(cluster: FakeCluster, endpoint: Endpoint) -> Endpoint:
    return Endpoint.from_wire(cluster.objects[key_of(endpoint)])


def condition(cluster: FakeCluster, endpoint: Endpoint, kind: str = "Ready") -> Condition:
    return next(each for each in live(cluster, endpoint).status.conditions if each.type == kind)


def paths_of(ingress: Manifest) -> list[str]:
    return [each["path"] for each in ingress["spec"]["rules"][0]["http"]["paths"]]


def with_rules(context: Context, **changes: Any) -> Context:
    runner = replace(context.settings.runner, endpoints=EndpointSettings(**changes))
    return replace(context, settings=replace(context.settings, runner=runner))


async def test_an_endpoint_gets_its_ingress_and_one_status(context: Context, cluster: FakeCluster) -> None:
    shop = make_endpoint()
    tell(context, cluster, shop)
    await work_off(context)
    assert cluster.writes == ["apply Ingress", "status Endpoint"]
    assert condition(cluster, shop).status == "True"
    status = live(cluster, shop).status
    assert (status.url, status.methods, status.script) == ("http://shop.example.com/orders", "GET", "hello")
    assert status.routes == ["GET http://shop.example.com/orders"]
    assert status.observed_generation == 2


async def test_what_is_as_it_should_be_costs_no_write(context: Context, cluster: FakeCluster) -> None:
    shop = make_endpoint()
    tell(context, cluster, shop)
    await work_off(context)
    cluster.writes.clear()
    await endpoints.reconcile(context, key_of(shop))
    await ingresses.reconcile(context, INGRESS)
    assert cluster.writes == []


async def test_an_ingress_that_somebody_changed_or_deleted_is_mended(
    context: Context, cluster: FakeCluster
) -> None:
    tell(context, cluster, make_endpoint())
    await work_off(context)
    cluster.objects[INGRESS]["spec"]["rules"][0]["host"] = "other.example.com"
    await ingresses.reconcile(context, INGRESS)
    assert cluster.objects[INGRESS]["spec"]["rules"][0]["host"] == HOST
    del cluster.objects[INGRESS]
    following.take(context, make_notice(Kind.INGRESS, INGRESS.name, is_gone=True))
    await work_off(context)
    assert INGRESS in cluster.objects


async def test_the_endpoints_of_a_host_share_an_ingress_and_own_it_together(
    context: Context, cluster: FakeCluster
) -> None:
    shop, lists = make_endpoint(), make_endpoint("lists", path="/lists/{id}")
    tell(context, cluster, shop, lists, make_endpoint("also", path="/lists/{id}/items", methods=["POST"]))
    await work_off(context)
    ingress = cluster.objects[INGRESS]
    assert paths_of(ingress) == ["/lists", "/orders"]
    owners = ingress["metadata"]["ownerReferences"]
    assert [owner["name"] for owner in owners] == ["also", "lists", "shop"]
    assert not any(owner.get("controller") for owner in owners)
    remove(context, cluster, shop)
    await work_off(context)
    assert paths_of(cluster.objects[INGRESS]) == ["/lists"]


async def test_the_last_that_goes_takes_the_ingress_with_it(context: Context, cluster: FakeCluster) -> None:
    shop = make_endpoint()
    tell(context, cluster, shop)
    await work_off(context)
    remove(context, cluster, shop)
    await work_off(context)
    assert INGRESS not in cluster.objects


async def test_an_ingress_that_went_out_of_use_while_the_operator_was_down_is_removed(
    context: Context, cluster: FakeCluster
) -> None:
    tell(context, cluster, make_endpoint())
    await work_off(context)
    old = Key(Kind.INGRESS, "team", names.ingress_name("old.example.com", "", ""))
    cluster.objects[old] = cluster.objects[INGRESS]
    context.inventory.in_sync.discard(Kind.ENDPOINT)
    following.take(context, make_notice(Kind.INGRESS, old.name))
    await work_off(context)
    assert old in cluster.objects
    cluster.told = [
        reading.read_notice(Kind.ENDPOINT, make_endpoint().to_wire(), is_gone=False),
        InSync(),
    ]
    await following.follow_kind(context, Kind.ENDPOINT)
    await work_off(context)
    assert old not in cluster.objects
    assert INGRESS in cluster.objects


async def test_an_ingress_of_somebody_else_is_not_removed(context: Context, cluster: FakeCluster) -> None:
    cluster.objects[INGRESS] = {"metadata": {"name": INGRESS.name, "uid": "i1"}}
    await ingresses.reconcile(context, INGRESS)
    assert INGRESS in cluster.objects


async def test_an_endpoint_that_moves_leaves_its_former_host(context: Context, cluster: FakeCluster) -> None:
    tell(context, cluster, make_endpoint())
    await work_off(context)
    tell(context, cluster, make_endpoint(host="new.example.com", tls={"secretName": "cert"}))
    await work_off(context)
    found = [item for key, item in cluster.objects.items() if key.kind is Kind.INGRESS]
    assert [ingress["spec"]["tls"] for ingress in found] == [
        [{"hosts": ["new.example.com"], "secretName": "cert"}]
    ]
    assert live(cluster, make_endpoint()).status.url == "https://new.example.com/orders"


async def test_an_endpoint_without_host_is_reached_by_the_service_of_the_pool(
    context: Context, cluster: FakeCluster
) -> None:
    shop = make_endpoint(host=None)
    tell(context, cluster, shop)
    await work_off(context)
    assert cluster.writes == ["status Endpoint"]
    assert condition(cluster, shop, "Programmed").reason == "NoIngress"
    assert live(cluster, shop).status.url == "http://scriptorium-runner-default.team.svc:8080/orders"
    assert condition(cluster, shop).status == "True"


async def test_the_older_of_two_wins_and_the_other_takes_over(context: Context, cluster: FakeCluster) -> None:
    older, younger = make_endpoint(minutes=-1, path="/orders/{id}"), make_endpoint("b", path="/orders/{key}")
    tell(context, cluster, younger, older)
    await work_off(context)
    assert condition(cluster, older).status == "True"
    assert condition(cluster, younger).reason == "Conflict"
    assert "team/shop" in condition(cluster, younger, "Conflict").message
    assert [owner["name"] for owner in cluster.objects[INGRESS]["metadata"]["ownerReferences"]] == ["shop"]
    remove(context, cluster, older)
    await work_off(context)
    assert condition(cluster, younger).status == "True"
    assert condition(cluster, younger, "Conflict").status == "False"


async def test_other_methods_of_a_path_are_no_conflict_and_one_in_common_is(
    context: Context, cluster: FakeCluster
) -> None:
    reads, writes = make_endpoint(minutes=-1), make_endpoint("writes", methods=["POST"])
    both = make_endpoint("both", minutes=1, methods=["POST", "PUT"])
    tell(context, cluster, reads, writes, both)
    await work_off(context)
    assert condition(cluster, writes).status == "True"
    assert "POST of shop.example.com/orders" in condition(cluster, both).message
    assert condition(cluster, both, "Programmed").status == "True"


async def test_across_namespaces_a_host_is_taken_as_a_whole_and_no_name_is_told(
    context: Context, cluster: FakeCluster
) -> None:
    ours = make_endpoint(minutes=-1)
    theirs = make_endpoint("theirs", "other", path="/elsewhere")
    tell(context, cluster, theirs, ours)
    await work_off(context)
    lost = condition(cluster, theirs)
    assert (lost.status, lost.reason) == ("False", "HostTaken")
    assert "team" not in lost.message
    assert "taken" in lost.message
    assert [key.namespace for key in cluster.objects if key.kind is Kind.INGRESS] == ["team"]
    remove(context, cluster, ours)
    await work_off(context)
    assert condition(cluster, theirs, "Conflict").status == "False"
    assert [key.namespace for key in cluster.objects if key.kind is Kind.INGRESS] == ["other"]


async def test_a_namespace_that_may_not_have_a_host_takes_it_from_nobody(
    context: Context, cluster: FakeCluster
) -> None:
    ruled = with_rules(context, allowed_hosts=(HostRule("team", ("*.example.com",)),))
    squatter, ours = make_endpoint("squat", "other", minutes=-9), make_endpoint()
    tell(ruled, cluster, squatter, ours)
    await work_off(ruled)
    assert condition(cluster, ours).status == "True"
    refused = condition(cluster, squatter)
    assert refused.reason == condition(cluster, squatter, "Programmed").reason == "HostNotAllowed"
    assert HOST in refused.message


async def test_the_class_is_the_endpoints_or_else_the_charts(context: Context, cluster: FakeCluster) -> None:
    ruled = with_rules(context, ingress_class="public")
    tell(ruled, cluster, make_endpoint(), make_endpoint("b", path="/b", ingressClassName="inner"))
    await work_off(ruled)
    found = [item["spec"] for key, item in cluster.objects.items() if key.kind is Kind.INGRESS]
    assert sorted(spec["ingressClassName"] for spec in found) == ["inner", "public"]


async def test_a_refused_ingress_is_told_once_and_tried_again(context: Context, cluster: FakeCluster) -> None:
    shop = make_endpoint()
    tell(context, cluster, shop)
    cluster.refusals[Kind.INGRESS] = ClusterRefused("exceeded quota: small")
    for _ in range(2):
        with pytest.raises(ClusterRefused):
            await endpoints.reconcile(context, key_of(shop))
    assert cluster.writes == ["status Endpoint"]
    assert condition(cluster, shop).message == "exceeded quota: small"
    assert condition(cluster, shop, "Programmed").reason == "Refused"


async def test_before_all_endpoints_are_told_nobody_has_a_host(
    context: Context, cluster: FakeCluster
) -> None:
    context.inventory.in_sync.discard(Kind.ENDPOINT)
    tell(context, cluster, make_endpoint())
    await work_off(context)
    assert cluster.writes == []


async def test_an_endpoint_that_changed_waits_until_the_follower_has_told_what_it_asks_for(
    context: Context, cluster: FakeCluster
) -> None:
    tell(context, cluster, make_endpoint())
    await work_off(context)
    cluster.writes.clear()
    cluster.put(make_endpoint(path="/new"))
    await endpoints.reconcile(context, key_of(make_endpoint()))
    assert cluster.writes == []
    tell(context, cluster, make_endpoint(path="/new"))
    await work_off(context)
    assert paths_of(cluster.objects[INGRESS]) == ["/new"]


async def test_where_the_controller_publishes_an_ingress_all_its_endpoints_say(
    context: Context, cluster: FakeCluster
) -> None:
    members = [make_endpoint(), make_endpoint("b", path="/b")]
    tell(context, cluster, *members)
    await work_off(context)
    cluster.objects[INGRESS]["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    following.take(context, make_notice(Kind.INGRESS, INGRESS.name))
    await work_off(context)
    for member in members:
        assert "192.0.2.7" in condition(cluster, member, "Programmed").message


async def test_an_inline_script_becomes_a_script_that_goes_with_its_endpoint(
    context: Context, cluster: FakeCluster
) -> None:
    shop = make_endpoint("n" * 63, script={"source": "return 1"})
    tell(context, cluster, shop)
    await work_off(context)
    name = live(cluster, shop).status.script
    assert name is not None
    assert len(name) <= names.MAX_NAME
    script = cluster.objects[Key(Kind.SCRIPT, "team", name)]
    assert script["spec"]["source"] == "return 1"
    assert script["metadata"]["ownerReferences"][0]["kind"] == "Endpoint"


async def test_a_missing_script_is_told_and_looked_for_when_it_comes(
    context: Context, cluster: FakeCluster
) -> None:
    shop = make_endpoint(auth=[{"script": {"name": "door"}}])
    tell(context, cluster, shop)
    await work_off(context)
    assert "Script door does not exist" in condition(cluster, shop, "ScriptFound").message
    assert condition(cluster, shop).reason == "ScriptNotFound"
    cluster.objects[Key(Kind.SCRIPT, "team", "door")] = make_script(name="door").to_wire()
    following.take(context, make_notice(Kind.SCRIPT, "door"))
    await work_off(context)
    assert condition(cluster, shop).status == "True"


async def test_an_endpoint_waits_for_the_pool_and_for_its_secrets(
    context: Context, cluster: FakeCluster
) -> None:
    shop = make_endpoint(**KEYS)
    pools.note_state(context, "team", None)
    tell(context, cluster, shop)
    await work_off(context)
    assert condition(cluster, shop).reason == "PoolStarting"
    pools.note_state(context, "team", SERVING)
    await work_off(context)
    assert condition(cluster, shop).reason == "SecretsPending"
    assert "keys" in condition(cluster, shop, "SecretsPending").message
    mounted = replace(SERVING, values=frozenset({whole_secret("keys")}))
    pools.note_state(context, "team", mounted)
    await work_off(context)
    assert condition(cluster, shop).status == "True"
    pools.note_state(context, "team", replace(mounted, is_serving=False))
    await work_off(context)
    assert condition(cluster, shop).reason == "RunnersNotReady"


async def test_after_a_restart_nothing_is_said_before_the_pool_was_looked_at(
    context: Context, cluster: FakeCluster
) -> None:
    shop = make_endpoint()
    tell(context, cluster, shop)
    await work_off(context)
    cluster.writes.clear()
    context.inventory.note_pool(make_notice(Kind.RUNNER_POOL, "default"))
    context.pool_states.clear()
    await endpoints.reconcile(context, key_of(shop))
    assert cluster.writes == []
    pools.note_state(context, "team", SERVING)
    await work_off(context)
    assert cluster.writes == []


async def test_a_pool_whose_objects_are_refused_keeps_no_endpoint_from_having_a_status(
    context: Context, cluster: FakeCluster
) -> None:
    context.pool_states.clear()
    cluster.put(make_pool())
    context.inventory.note_pool(make_notice(Kind.RUNNER_POOL, "default"))
    shop = make_endpoint()
    tell(context, cluster, shop)
    cluster.refusals[Kind.DEPLOYMENT] = ClusterRefused("exceeded quota: small")
    with pytest.raises(ClusterRefused):
        await pools.reconcile(context, Key(Kind.RUNNER_POOL, "team", "default"))
    await work_off(context)
    assert condition(cluster, shop).reason == "RunnersNotReady"


async def test_a_pool_mounts_what_auth_names_and_tells_its_endpoints(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool())
    tell(context, cluster, make_endpoint(**KEYS))
    pool = Key(Kind.RUNNER_POOL, "team", "default")
    await pools.reconcile(context, pool)
    deployment = cluster.objects[Key(Kind.DEPLOYMENT, "team", "scriptorium-runner-default")]
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert [volume["secret"]["secretName"] for volume in volumes if "secret" in volume] == ["keys"]
    deployment["status"] = {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}
    await pools.reconcile(context, pool)
    assert context.pool_states["team"] == PoolState(is_serving=True, values=frozenset({whole_secret("keys")}))
    # A rollout for another reason takes nothing away.
    deployment["status"]["updatedReplicas"] = 0
    await pools.reconcile(context, pool)
    assert context.pool_states["team"].values == {whole_secret("keys")}


async def test_nothing_is_unmounted_before_all_endpoints_are_told(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_pool())
    context.inventory.in_sync.discard(Kind.ENDPOINT)
    await pools.reconcile(context, Key(Kind.RUNNER_POOL, "team", "default"))
    assert cluster.writes == []


async def test_an_endpoint_is_ground_enough_for_a_pool(context: Context, cluster: FakeCluster) -> None:
    tell(context, cluster, make_endpoint(namespace="other"))
    assert Key(Kind.NAMESPACE, "", "other") in context.work.added  # type: ignore[attr-defined]
    await pools.ensure_pool(context, Key(Kind.NAMESPACE, "", "other"))
    assert Key(Kind.RUNNER_POOL, "other", "default") in cluster.objects


async def test_a_change_of_state_is_announced_once(context: Context, cluster: FakeCluster) -> None:
    shop = make_endpoint()
    pools.note_state(context, "team", None)
    tell(context, cluster, shop)
    await work_off(context)
    pools.note_state(context, "team", PoolState(is_serving=False))
    await work_off(context)
    assert condition(cluster, shop).reason == "RunnersNotReady"
    assert len(context.outbox) == 0
    pools.note_state(context, "team", SERVING)
    await work_off(context)
    await endpoints.reconcile(context, key_of(shop))
    assert len(context.outbox) == 1
    await announcing.announce(context, await context.outbox.get())
    (event,) = cluster.events
    assert (event["type"], event["reason"]) == ("Normal", "Ready")
    assert event["involvedObject"]["kind"] == "Endpoint"
    pools.note_state(context, "team", PoolState(is_serving=False))
    await work_off(context)
    assert (await context.outbox.get()).reason == "RunnersNotReady"  # type: ignore[union-attr]
    del cluster.objects[Key(Kind.SCRIPT, "team", "hello")]
    await endpoints.reconcile(context, key_of(shop))
    await announcing.announce(context, await context.outbox.get())
    assert (cluster.events[1]["type"], cluster.events[1]["reason"]) == ("Warning", "ScriptNotFound")


async def test_how_many_are_ready_is_counted(context: Context, cluster: FakeCluster) -> None:
    shop = make_endpoint()
    tell(context, cluster, shop, make_endpoint("late", minutes=1))
    await work_off(context)
    assert context.endpoints.count_reasons() == {"Ready": 1, "Conflict": 1}
    remove(context, cluster, shop)
    await work_off(context)
    assert context.endpoints.count_reasons() == {"Ready": 1}


async def test_an_inline_script_that_stands_there_no_more_is_removed(
    context: Context, cluster: FakeCluster
) -> None:
    tell(context, cluster, make_endpoint(script={"source": "return 1"}))
    await work_off(context)
    own = Key(Kind.SCRIPT, "team", names.inline_script_name("shop", "Endpoint"))
    assert own in cluster.objects
    context.inventory.note_user(make_notice(Kind.SCRIPT, own.name))
    cluster.put(make_endpoint())
    await endpoints.reconcile(context, key_of(make_endpoint()))
    assert own not in cluster.objects


async def test_what_is_no_json_schema_is_told_and_the_ingress_stays(
    context: Context, cluster: FakeCluster
) -> None:
    shop = make_endpoint(requestSchema={"query": {"type": "strin"}})
    tell(context, cluster, shop)
    await work_off(context)
    assert condition(cluster, shop).reason == "SchemaInvalid"
    assert condition(cluster, shop).message.startswith("spec.requestSchema.query is no JSON Schema")
    assert condition(cluster, shop, "Programmed").status == "True"
