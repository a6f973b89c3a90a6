import pytest

from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind
from scriptorium_operator.services import announcing, following
from tests.unit.operator.fakes import FakeCluster, make_ended, make_notice, make_script


def end(context: Context, name: str, minutes: int, **fields: str) -> None:
    run = make_ended(name, minutes=minutes, **fields)
    following.take(context, make_notice(Kind.EXECUTION, name, uid=run.uid, ended=run))


@pytest.fixture
def watching(context: Context) -> Context:
    context.inventory.in_sync.add(Kind.EXECUTION)
    return context


async def test_a_script_that_begins_to_fail_is_told_so_once(watching: Context, cluster: FakeCluster) -> None:
    cluster.put(make_script())
    end(watching, "good", 1)
    for number in range(3):
        end(watching, f"bad-{number}", 2 + number, phase="Failed", reason="ScriptError", message="Error: no")
    assert len(watching.outbox) == 1
    await announcing.announce(watching, await watching.outbox.get())
    (event,) = cluster.events
    assert (event["type"], event["reason"]) == ("Warning", "RunsFail")
    assert event["message"] == "run bad-0 ended as Failed, ScriptError: Error: no"
    assert event["involvedObject"]["uid"] == "s1"


def test_what_was_before_the_operator_started_is_no_news(context: Context) -> None:
    end(context, "good", 1)
    end(context, "bad", 2, phase="Failed")
    assert len(context.outbox) == 0


def test_runs_without_a_script_are_announced_nowhere(watching: Context) -> None:
    end(watching, "good", 1, script="")
    end(watching, "bad", 2, phase="Failed", script="")
    assert len(watching.outbox) == 0


async def test_a_script_that_is_gone_gets_no_event(watching: Context, cluster: FakeCluster) -> None:
    await announcing.announce(watching, make_ended())
    assert cluster.events == []
