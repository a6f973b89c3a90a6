from typing import Any

import kopf
import pytest
from pydantic import ValidationError

from scriptorium_operator.context import Context
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.handlers import cron_scripts, pools, scriptendpoints, scripts
from tests.support.manifests import nested
from tests.unit.operator.fakes import Clock, make_cron_script, make_endpoint, make_pool, make_script


def added(context: Context) -> list[Key]:
    keys: list[Key] = context.work.added  # type: ignore[attr-defined]
    return keys


def body_of(item: dict[str, Any]) -> kopf.Body:
    return kopf.Body(item)  # type: ignore[arg-type]


@pytest.mark.parametrize("event", [None, "ADDED", "MODIFIED"])
async def test_every_event_of_a_script_is_taken_note_of(context: Context, event: str | None) -> None:
    await scripts.take_note(type=event, body=body_of(make_script().to_wire()), memo=context)
    assert added(context) == [Key(Kind.SCRIPT, "team", "hello")]


async def test_a_script_that_is_gone_is_no_work(context: Context) -> None:
    await scripts.take_note(type="DELETED", body=body_of(make_script().to_wire()), memo=context)
    assert added(context) == []


@pytest.mark.parametrize("event", [None, "ADDED", "MODIFIED"])
async def test_every_event_of_a_pool_is_taken_note_of(context: Context, event: str | None) -> None:
    await pools.take_note(type=event, body=body_of(make_pool().to_wire()), memo=context)
    assert added(context) == [Key(Kind.RUNNER_POOL, "team", "default")]


async def test_a_pool_that_is_gone_is_no_work(context: Context) -> None:
    await pools.take_note(type="DELETED", body=body_of(make_pool().to_wire()), memo=context)
    assert added(context) == []


@pytest.mark.parametrize("event", [None, "ADDED", "MODIFIED"])
async def test_every_event_of_a_schedule_is_taken_note_of(context: Context, event: str | None) -> None:
    await cron_scripts.take_note(type=event, body=body_of(make_cron_script().to_wire()), memo=context)
    assert added(context) == [Key(Kind.CRON_SCRIPT, "team", "nightly")]
    assert context.script_users.list_users("team", "hello") == (Key(Kind.CRON_SCRIPT, "team", "nightly"),)


async def test_a_schedule_that_is_gone_is_no_work(context: Context) -> None:
    body = body_of(make_cron_script().to_wire())
    await cron_scripts.take_note(type="ADDED", body=body, memo=context)
    added(context).clear()
    await cron_scripts.take_note(type="DELETED", body=body, memo=context)
    assert added(context) == []
    assert context.script_users.list_users("team", "hello") == ()


@pytest.mark.parametrize("event", [None, "ADDED", "MODIFIED"])
async def test_every_event_of_an_endpoint_is_taken_note_of(context: Context, event: str | None) -> None:
    await scriptendpoints.take_note(type=event, body=body_of(make_endpoint().to_wire()), memo=context)
    assert added(context) == [Key(Kind.ENDPOINT, "team", "shop")]
    assert context.script_users.list_users("team", "hello") == (Key(Kind.ENDPOINT, "team", "shop"),)


async def test_an_endpoint_that_is_gone_is_no_work(context: Context) -> None:
    body = body_of(make_endpoint().to_wire())
    await scriptendpoints.take_note(type="ADDED", body=body, memo=context)
    added(context).clear()
    await scriptendpoints.take_note(type="DELETED", body=body, memo=context)
    assert added(context) == []
    assert context.script_users.list_users("team", "hello") == ()


async def test_a_schema_that_is_too_deep_for_a_model_keeps_no_endpoint_from_being_seen(
    context: Context,
) -> None:
    item = make_endpoint().to_wire()
    item["spec"] |= {"methods": ["POST"], "requestSchema": {"body": nested(2000)}}
    await scriptendpoints.take_note(type="ADDED", body=body_of(item), memo=context)
    assert added(context) == [Key(Kind.ENDPOINT, "team", "shop")]


async def test_an_object_that_we_cannot_read_came_through_too(context: Context, clock: Clock) -> None:
    canary = context.canaries[Kind.SCRIPT]
    canary.expect("s1", 1, clock())
    strange = make_script().to_wire() | {"spec": {"sauce": "?"}}
    with pytest.raises(ValidationError):
        await scripts.take_note(type="ADDED", body=body_of(strange), memo=context)
    clock.advance(hours=1)
    assert not canary.is_silent(clock())
