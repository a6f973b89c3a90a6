"""An object that is asked for before anybody wants it."""

import asyncio
from collections.abc import Mapping

import pytest

from scriptorium_client import Client, Config, NotFound, Unavailable
from scriptorium_client.resources import CONFIG_MAPS, JOBS
from scriptorium_client.transport import Answer, Broken
from tests.support.waiting import until_async


class Server:
    """A way to an API server that answers when it is let, and remembers who asked for what at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.most_at_once = self._at_once = self.answered = 0
        self.may_answer = asyncio.Event()
        self.fault: Broken | None = None
        self.status = 200

    async def ask(self, _method: str, path: str, **_: Mapping[str, str] | bytes | None) -> Answer:
        self.asked.append(path.rpartition("/")[2])
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.may_answer.wait()
        finally:
            self._at_once -= 1
            self.answered += 1
        if self.fault is not None:
            raise self.fault
        return Answer(
            self.status, b'{"items": [], "metadata": {"resourceVersion": "%d"}}' % len(self.asked), None
        )

    async def close(self) -> None:
        """Have nothing to close."""


def open_client(server: Server) -> Client:
    return Client(Config("http://127.0.0.1", "team", None), transport=server)  # type: ignore[arg-type]


async def test_who_reads_it_is_given_the_answer_that_is_on_its_way() -> None:
    server = Server()
    async with open_client(server) as client:
        client.ask_ahead(CONFIG_MAPS, "one", "team")
        await asyncio.sleep(0)
        assert server.asked == ["one"]
        server.may_answer.set()
        found = await client.get(CONFIG_MAPS, "one", "team")
    assert (found["metadata"]["resourceVersion"], server.asked) == ("1", ["one"])


async def test_who_reads_it_after_that_asks_anew() -> None:
    server = Server()
    server.may_answer.set()
    async with open_client(server) as client:
        client.ask_ahead(CONFIG_MAPS, "one", "team")
        await client.find(CONFIG_MAPS, "one", "team")
        found = await client.get(CONFIG_MAPS, "one", "team")
    assert (found["metadata"]["resourceVersion"], server.asked) == ("2", ["one", "one"])


async def test_it_is_no_answer_to_another_question() -> None:
    server = Server()
    server.may_answer.set()
    async with open_client(server) as client:
        client.ask_ahead(CONFIG_MAPS, "one", "team")
        await asyncio.sleep(0)
        await client.get(JOBS, "one", "team")
        await client.get(CONFIG_MAPS, "one", "other")
    assert server.asked == ["one", "one", "one"]


async def test_a_list_is_an_answer_to_the_same_list_alone() -> None:
    server = Server()
    server.may_answer.set()
    async with open_client(server) as client:
        client.list_ahead(CONFIG_MAPS, "team", fields="spec.a=b")
        assert await client.list_all(CONFIG_MAPS, "team", fields="spec.a=b") == []
        assert len(server.asked) == 1
        client.list_ahead(CONFIG_MAPS, "team", fields="spec.a=b")
        await client.list_all(CONFIG_MAPS, "team", fields="spec.a=c")
    assert len(server.asked) == 2


@pytest.mark.parametrize("has_come", [False, True])
async def test_whatever_else_is_asked_ends_it(has_come: bool) -> None:
    server = Server()
    server.may_answer.set()
    async with open_client(server) as client:
        client.ask_ahead(CONFIG_MAPS, "one", "team")
        client.ask_ahead(CONFIG_MAPS, "two", "team")
        if has_come:
            await client.get(CONFIG_MAPS, "one", "team")
            await until_async(lambda: server.answered == 2)
        await client.get(JOBS, "other", "team")
        before = len(server.asked)
        await client.get(CONFIG_MAPS, "two", "team")
    assert server.asked[before:] == ["two"]


async def test_those_that_are_asked_for_ahead_take_one_connection() -> None:
    server = Server()
    async with open_client(server) as client:
        for name in ("one", "two", "three"):
            client.ask_ahead(CONFIG_MAPS, name, "team")
        await asyncio.sleep(0)
        server.may_answer.set()
        assert (await client.get(CONFIG_MAPS, "three", "team"))["metadata"]["resourceVersion"] == "3"
    assert (server.asked, server.most_at_once) == (["one", "two", "three"], 1)


async def test_what_went_wrong_is_told_to_who_reads_it_and_to_nobody_else() -> None:
    server = Server()
    server.may_answer.set()
    server.fault = Broken("no route")
    async with open_client(server) as client:
        client.ask_ahead(CONFIG_MAPS, "one", "team")
        client.ask_ahead(CONFIG_MAPS, "two", "team")
        with pytest.raises(Unavailable, match="no route"):
            await client.get(CONFIG_MAPS, "one", "team")
        server.fault = None
        await client.get(CONFIG_MAPS, "one", "team")


async def test_what_is_not_there_is_found_by_nobody() -> None:
    server = Server()
    server.may_answer.set()
    server.status = 404
    async with open_client(server) as client:
        for _ in range(2):
            client.ask_ahead(CONFIG_MAPS, "one", "team")
            assert await client.find(CONFIG_MAPS, "one", "team") is None
        client.ask_ahead(CONFIG_MAPS, "one", "team")
        with pytest.raises(NotFound):
            await client.get(CONFIG_MAPS, "one", "team")


async def test_what_nobody_reads_ends_with_the_client() -> None:
    server = Server()
    async with asyncio.timeout(5), open_client(server) as client:
        client.ask_ahead(CONFIG_MAPS, "one", "team")
        client.ask_ahead(CONFIG_MAPS, "two", "team")
        await asyncio.sleep(0)
    assert server.asked == ["one"]
    assert len(asyncio.all_tasks()) == 1
