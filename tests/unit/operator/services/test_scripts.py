from typing import Any

import pytest

from scriptorium_api.script import Script
from scriptorium_operator.context import Context
from scriptorium_operator.errors import SyntaxCheckFailed
from scriptorium_operator.facts import ConfigMapContent, Key, Kind, SyntaxFault
from scriptorium_operator.services import scripts
from tests.unit.operator.fakes import NOW, Clock, FakeCluster, FakeSyntax, make_ended, make_script

KEY = Key(Kind.SCRIPT, "team", "hello")
FROM_CODE = {"sourceFrom": {"configMapKeyRef": {"name": "code", "key": "main.js"}}}


def live(cluster: FakeCluster) -> Script:
    return Script.from_wire(cluster.objects[KEY])


def reason(cluster: FakeCluster) -> str:
    return live(cluster).status.conditions[0].reason


async def test_a_script_is_judged_with_one_write(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_script())
    await scripts.reconcile(context, KEY)
    assert cluster.writes == ["status Script"]
    assert reason(cluster) == "Ready"


async def test_a_judged_script_costs_no_write_and_no_check(
    context: Context, cluster: FakeCluster, syntax: FakeSyntax, clock: Clock
) -> None:
    cluster.put(make_script())
    await scripts.reconcile(context, KEY)
    clock.advance(days=1)
    await scripts.reconcile(context, KEY)
    assert cluster.writes == ["status Script"]
    assert syntax.asked == 1


async def test_suspending_does_not_check_the_source_again(
    context: Context, cluster: FakeCluster, syntax: FakeSyntax
) -> None:
    cluster.put(make_script())
    await scripts.reconcile(context, KEY)
    spec: dict[str, Any] = {"source": "return 1", "suspend": True}
    cluster.objects[KEY] |= {"spec": spec}
    await scripts.reconcile(context, KEY)
    assert reason(cluster) == "Suspended"
    assert syntax.asked == 1


async def test_a_syntax_error_is_a_condition(
    context: Context, cluster: FakeCluster, syntax: FakeSyntax
) -> None:
    syntax.fault = SyntaxFault("unexpected token", 2, 9)
    cluster.put(make_script())
    await scripts.reconcile(context, KEY)
    assert live(cluster).status.conditions[0].message == "SyntaxError: unexpected token at 2:9"


async def test_a_source_follows_its_config_map(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_script(spec=FROM_CODE))
    await scripts.reconcile(context, KEY)
    assert reason(cluster) == "SourceMissing"
    for number, source in enumerate(("return 1", "return 2"), start=1):
        cluster.config_maps["team", "code"] = ConfigMapContent({"main.js": source})
        await scripts.reconcile(context, KEY)
        assert (reason(cluster), live(cluster).status.version) == ("Ready", number)


async def test_a_checker_that_fails_is_told_and_asked_again(
    context: Context, cluster: FakeCluster, syntax: FakeSyntax
) -> None:
    cluster.put(make_script())
    syntax.failure = SyntaxCheckFailed("EngineCrash: the worker is gone")
    for _ in range(2):
        with pytest.raises(SyntaxCheckFailed):
            await scripts.reconcile(context, KEY)
    assert reason(cluster) == "CheckFailed"
    assert cluster.writes == ["status Script"]
    syntax.failure = None
    await scripts.reconcile(context, KEY)
    assert reason(cluster) == "Ready"
    assert live(cluster).status.version == 1


async def test_a_script_that_is_gone_is_forgotten_with_its_limits(
    context: Context, cluster: FakeCluster
) -> None:
    scripts.observe(context, make_script(spec=FROM_CODE | {"successfulRunsHistoryLimit": 100}))
    for number in range(30):
        context.history.note(make_ended(f"run-{number}", minutes=number))
    assert context.history.doom(NOW, lambda _: True) == 0
    await scripts.reconcile(context, KEY)
    assert context.references.list_scripts("team", "code") == ()
    assert context.history.doom(NOW, lambda _: False) == 10
    assert cluster.writes == []


async def test_only_a_script_that_is_not_judged_yet_is_worked_on(
    context: Context, cluster: FakeCluster
) -> None:
    scripts.observe(context, make_script())
    assert context.work.added == [KEY]  # type: ignore[attr-defined]
    cluster.put(make_script())
    await scripts.reconcile(context, KEY)
    scripts.observe(context, live(cluster))
    assert context.work.added == [KEY]  # type: ignore[attr-defined]
