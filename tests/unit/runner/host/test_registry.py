from typing import Any

import pytest

from scriptorium_runner.engine import HostError
from scriptorium_runner.host.registry import Registry


class Echo:
    async def call(self, method: str, arguments: list[Any]) -> Any:
        return [method, arguments]


async def test_a_call_is_answered_by_its_own_api() -> None:
    assert await Registry({"http": Echo}).call("http.get", [1]) == ["http.get", [1]]


def test_only_the_methods_of_the_apis_that_were_given_exist() -> None:
    assert Registry({}).methods == {}
    assert Registry({"scripts": Echo, "utils": Echo}).methods == {
        "scripts.call": True,
        "utils.local": False,
        "utils.instant": False,
    }


@pytest.mark.parametrize("method", ["scripts.call", "http", "http.", "http.call", "", "utils.local"])
async def test_what_is_not_there_is_refused(method: str) -> None:
    with pytest.raises(HostError, match="is not there"):
        await Registry({"http": Echo}).call(method, [])


async def test_an_api_is_made_once_with_its_first_call() -> None:
    made: list[Echo] = []

    def make() -> Echo:
        made.append(Echo())
        return made[-1]

    registry = Registry({"http": make})
    assert not made
    await registry.call("http.get", [])
    await registry.call("http.post", [])
    assert len(made) == 1
