"""The board of a namespace: orders of answers that a real API server gives only by chance."""

from collections.abc import Callable
from typing import Any, cast

from scriptorium_client import Client, Event
from scriptorium_client.client import Manifest
from scriptorium_runner.sources.cluster import ClusterBoard
from tests.support.makers import make_script

FROM_CODE = make_script(sourceFrom={"configMapKeyRef": {"name": "code", "key": "main.js"}})


def config_map(source: str) -> Manifest:
    return {"metadata": {"name": "code", "uid": "1"}, "data": {"main.js": source}}


def told(kind: Any, item: Manifest) -> Event:
    return Event(kind, item)


class OneConfigMap:
    """Answers reads with what `code` holds, after doing what the test wants done meanwhile."""

    def __init__(self) -> None:
        self.now = "return 1"
        self.reads = 0
        self.meanwhile: Callable[[], object] = lambda: None

    async def find(self, *_: Any) -> Manifest:
        self.reads += 1
        answer = config_map(self.now)
        self.meanwhile()
        return answer


def make_board() -> tuple[ClusterBoard, OneConfigMap]:
    server = OneConfigMap()
    board = ClusterBoard(cast("Client", server), "team")
    board.keep_script(told("ADDED", FROM_CODE.to_wire()))
    return board, server


async def test_a_config_map_is_read_once_until_it_changes() -> None:
    board, server = make_board()
    assert [(await board.read_source(FROM_CODE)).text for _ in range(3)] == ["return 1"] * 3
    assert server.reads == 1
    server.now = "return 2"
    assert board.drop_config_map(told("MODIFIED", config_map("return 2"))) == ["hello"]
    assert (await board.read_source(FROM_CODE)).text == "return 2"


async def test_a_source_that_changes_while_it_is_read_is_read_again() -> None:
    board, server = make_board()

    def change() -> None:
        server.now = "return 2"
        board.drop_config_map(told("MODIFIED", config_map("return 2")))
        server.meanwhile = lambda: None

    server.meanwhile = change
    assert (await board.read_source(FROM_CODE)).text == "return 1"
    assert (await board.read_source(FROM_CODE)).text == "return 2"


def test_a_script_is_there_from_its_beginning_to_its_end() -> None:
    board, _ = make_board()
    assert board.find_script("team", "hello") == FROM_CODE
    assert board.find_script("elsewhere", "hello") is None
    board.keep_script(told("DELETED", {"metadata": {"name": "hello", "uid": "script-hello"}}))
    assert board.find_script("team", "hello") is None


def test_a_script_that_cannot_be_read_is_as_good_as_gone_and_stops_nobody() -> None:
    board, _ = make_board()
    unreadable = FROM_CODE.to_wire() | {"spec": {"source": 1}}
    assert board.keep_script(told("MODIFIED", unreadable)) == "hello"
    assert board.find_script("team", "hello") is None
