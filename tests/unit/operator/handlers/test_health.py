from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind
from scriptorium_operator.handlers.health import examine
from tests.support.waiting import until_async
from tests.unit.operator.fakes import Clock


def test_an_operator_with_nothing_to_do_is_healthy(context: Context) -> None:
    assert examine(context).is_good


async def test_a_dead_task_is_no_health(context: Context) -> None:
    async def run() -> None:
        raise ValueError

    context.supervisor.start("sweep", run)
    await until_async(lambda: examine(context).dead == ["sweep"])
    assert not examine(context).is_good
    await context.supervisor.stop()


def test_a_silent_kopf_is_no_health(context: Context, clock: Clock) -> None:
    context.canaries[Kind.SCRIPT].expect("s1", 1, clock())
    clock.advance(minutes=4)
    health = examine(context)
    assert health.silent == ["Script"]
    assert not health.is_good
