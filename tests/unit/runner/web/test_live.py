"""What is served changes while requests come in: none is dropped, none sees half of a change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from scriptorium_runner.engine import Engine
from scriptorium_runner.executions.decide import Source, Values
from tests.support.endpoints import make_endpoint
from tests.support.serving import EndpointsBoard, Site, serving
from tests.support.waiting import until_async

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Says twice which version it is: a mixture would say two.
VERSION = "return '{0} ' + env.VERSION + ' {0}'"


@dataclass
class Load:
    """Callers who ask again and again, and what they were told."""

    answers: list[tuple[int, str]] = field(default_factory=list)

    async def ask(self, site: Site) -> None:
        while True:
            reply = await site.ask("/")
            self.answers.append((reply.status, reply.text))


@asynccontextmanager
async def under_load(site: Site, callers: int = 6) -> AsyncIterator[Load]:
    load = Load()
    tasks = [asyncio.create_task(load.ask(site)) for _ in range(callers)]
    await until_async(lambda: len(load.answers) > callers)
    yield load
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


def put(site: Site, version: str) -> None:
    """Have another version of the Script and of its values, together."""
    site.board.put(VERSION.format(version))
    site.board.values = Values({"VERSION": version})


async def test_a_change_answers_without_a_dropped_or_mixed_request(engine: Engine) -> None:
    board = EndpointsBoard(values=Values({"VERSION": "v0"}))
    first = VERSION.format("v0")
    async with (
        serving(engine, make_endpoint("root", "/"), source=first, board=board) as site,
        under_load(site) as load,
    ):
        for version in ("v1", "v2", "v3", "v4"):
            put(site, version)
            site.live.change()
            await until_async(lambda version=version: load.answers[-1][1].startswith(version), 30)
    assert {status for status, _ in load.answers} == {200}
    # Until a new source is known to be JavaScript the former one has the new values.
    states = {f"v{n} v{m} v{n}" for n in range(5) for m in (n, n + 1)}
    assert {text for _, text in load.answers} <= states


async def test_a_version_that_is_no_javascript_leaves_the_former_one_answering(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(engine, make_endpoint("root", "/"), source="return 'good'") as site:
        site.board.put("return 'bad")
        site.live.change()
        await until_async(lambda: "does not compile" in caplog.text)
        assert (await site.ask("/")).text == "good"
        site.board.put("return 'better'")
        site.live.change()
        await until_async(lambda: answers(site, "better"))
    told = [each for each in caplog.records if "does not compile" in each.message]
    assert [vars(each)["script"] for each in told] == ["hello"]


async def answers(site: Site, text: str) -> bool:
    return (await site.ask("/")).text == text


async def test_a_source_that_goes_away_leaves_the_former_one_answering(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source="return 'good'") as site:
        site.board.sources["hello"] = Source(None, "the ConfigMap does not exist")
        await site.change()
        assert (await site.ask("/")).text == "good"


async def test_a_first_version_that_is_no_javascript_is_an_error(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source="return 'bad") as site:
        assert (await site.ask("/")).status == 500


async def test_a_script_that_is_deleted_or_suspended_answers_no_more(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source="return 'good'") as site:
        site.board.put("return 'good'", suspend=True)
        await site.change()
        assert (await site.ask("/")).status == 503
        del site.board.scripts["hello"]
        await site.change()
        assert (await site.ask("/")).status == 503
        site.board.put("return 'back'")
        await site.change()
        assert (await site.ask("/")).text == "back"


async def test_a_value_that_changes_is_noticed_although_no_event_tells_of_it(engine: Engine) -> None:
    board = EndpointsBoard(values=Values({"WORD": "old"}))
    async with serving(engine, make_endpoint("root", "/"), source="return env.WORD", board=board) as site:
        assert (await site.ask("/")).text == "old"
        board.values, board.values_state = Values({"WORD": "new"}), 1
        await until_async(lambda: answers(site, "new"))


async def test_a_value_that_is_missing_keeps_a_script_from_answering(engine: Engine) -> None:
    board = EndpointsBoard(values=Values(problem="no value yet for env.WORD"))
    async with serving(engine, make_endpoint("root", "/"), board=board) as site:
        assert (await site.ask("/")).status == 503
        assert site.ended[-1].cause == "no value yet for env.WORD"


async def test_slots_are_kept_for_requests_while_there_is_an_endpoint(engine: Engine) -> None:
    told: list[bool] = []
    async with serving(engine, make_endpoint("root", "/")) as site:
        site.live._on_served = told.append
        for endpoints in ([], [], [make_endpoint("root", "/")]):
            site.board.endpoints = endpoints
            await site.change()
    assert told == [False, True]


async def test_a_schema_that_cannot_be_used_keeps_the_endpoint_from_answering(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", requestSchema={"query": {"type": "nonsense"}})
    async with serving(engine, endpoint) as site:
        assert (await site.ask("/")).status == 503
        assert "requestSchema.query" in site.ended[-1].cause


async def test_an_endpoint_that_changes_keeps_who_is_inside(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/", concurrency={"max": 1})) as site:
        gate = site.live.table.entries["team-root"].gate
        site.board.endpoints = [make_endpoint("root", "/", concurrency={"max": 2})]
        await site.change()
        assert site.live.table.entries["team-root"].gate is gate
