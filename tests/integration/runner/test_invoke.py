"""Scripts that are called inside the cluster, by real accounts: the real API server says who may.

The runner's own kubeconfig has the administrator's certificate, which would win over any token: what these
accounts are refused shows that it does not go along.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.integration.runner.conftest import Runners
from tests.support.kubectl import Kubectl
from tests.support.manifests import script
from tests.support.ports import free_port
from tests.support.waiting import until_async

pytestmark = pytest.mark.cluster


@dataclass
class Door:
    """The internal port of a runner that is ready."""

    port: int
    session: aiohttp.ClientSession

    async def invoke(self, token: str, name: str = "greet", **options: Any) -> tuple[int, dict[str, Any]]:
        url = f"http://127.0.0.1:{self.port}/v1/scripts/{name}/invoke"
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(url, headers=headers, **options) as answer:
            body: dict[str, Any] = await answer.json(content_type=None)
            return answer.status, body

    async def is_open(self) -> bool:
        """Say whether the runner answers, and knows its Scripts."""
        try:
            status, _ = await self.invoke("x")
        except aiohttp.ClientError:
            return False
        return status == 401


@pytest_asyncio.fixture(name="door")
async def open_door(runners: Runners, kubectl: Kubectl, namespace: str) -> AsyncIterator[Door]:
    kubectl.apply(script("greet", source="return {hello: input.name, user: ctx.user}"), namespace)
    port = free_port()
    async with runners.start(SCRIPTORIUM_INTERNAL_PORT=str(port)), aiohttp.ClientSession() as session:
        door = Door(port, session)
        await until_async(door.is_open, seconds=60)
        yield door


def make_token(kubectl: Kubectl, namespace: str, name: str, *, may_invoke: bool, audience: str = "") -> str:
    """Make an account that may create runs and nothing else, or not even that, and give its token."""
    kubectl.run("create", "serviceaccount", name, "--namespace", namespace)
    if may_invoke:
        role = ("--verb=create", "--resource=scriptexecutions.scriptorium.dev")
        kubectl.run("create", "role", name, "--namespace", namespace, *role)
        account = f"--serviceaccount={namespace}:{name}"
        kubectl.run("create", "rolebinding", name, "--namespace", namespace, f"--role={name}", account)
    named = [f"--audience={audience}"] if audience else []
    return kubectl.run("create", "token", name, "--namespace", namespace, *named).strip()


async def test_who_may_create_runs_may_call_and_is_known_to_the_script(
    door: Door, kubectl: Kubectl, namespace: str
) -> None:
    token = make_token(kubectl, namespace, "ada", may_invoke=True)
    status, body = await door.invoke(token, json={"name": "Ada"})
    account = kubectl.get("serviceaccount", "ada", namespace)
    assert account
    assert (status, body["phase"], body["output"]["hello"]) == (200, "Succeeded", "Ada")
    assert body["output"]["user"] == {
        "id": account["metadata"]["uid"],
        "name": f"system:serviceaccount:{namespace}:ada",
        "email": None,
    }


async def test_a_call_leaves_no_object_behind(door: Door, kubectl: Kubectl, namespace: str) -> None:
    token = make_token(kubectl, namespace, "ada", may_invoke=True)
    assert (await door.invoke(token))[0] == 200
    assert kubectl.run("get", "scriptexecutions", "--namespace", namespace, "-o", "name").strip() == ""


async def test_who_may_not_create_runs_may_not_call(door: Door, kubectl: Kubectl, namespace: str) -> None:
    token = make_token(kubectl, namespace, "eve", may_invoke=False)
    status, body = await door.invoke(token)
    assert status == 403
    assert f'"system:serviceaccount:{namespace}:eve" may not create' in body["detail"]


async def test_a_right_in_another_namespace_is_none_here(
    door: Door, kubectl: Kubectl, namespace: str
) -> None:
    other = f"{namespace}-other"
    kubectl.run("create", "namespace", other)
    try:
        token = make_token(kubectl, other, "ada", may_invoke=True)
        assert (await door.invoke(token))[0] == 403
    finally:
        kubectl.run("delete", "namespace", other, "--wait=false")


async def test_a_token_for_another_audience_is_nobodys(door: Door, kubectl: Kubectl, namespace: str) -> None:
    token = make_token(kubectl, namespace, "ada", may_invoke=True, audience="https://elsewhere.example.com")
    assert (await door.invoke(token))[0] == 401


async def test_a_made_up_token_is_nobodys(door: Door, kubectl: Kubectl, namespace: str) -> None:
    token = make_token(kubectl, namespace, "ada", may_invoke=True)
    head, claims, signature = token.split(".")
    forged = [f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims}.", "made.up.token"]
    assert [(await door.invoke(each))[0] for each in forged] == [401] * 3


async def test_the_token_of_a_deleted_account_stops_counting(
    door: Door, kubectl: Kubectl, namespace: str
) -> None:
    token = make_token(kubectl, namespace, "ada", may_invoke=True)
    assert (await door.invoke(token))[0] == 200
    kubectl.run("delete", "serviceaccount", "ada", "--namespace", namespace)

    async def is_refused() -> bool:
        return (await door.invoke(token))[0] == 401

    # A verdict counts for 10 s, and the API server has a cache of its own of about as long.
    await until_async(is_refused, seconds=60)


async def test_a_right_that_was_taken_away_stops_counting(
    door: Door, kubectl: Kubectl, namespace: str
) -> None:
    token = make_token(kubectl, namespace, "ada", may_invoke=True)
    assert (await door.invoke(token))[0] == 200
    kubectl.run("delete", "rolebinding", "ada", "--namespace", namespace)

    async def is_refused() -> bool:
        return (await door.invoke(token))[0] == 403

    await until_async(is_refused, seconds=60)


async def test_while_the_api_server_is_away_who_is_not_known_waits(
    runners: Runners, kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(script("greet", source="return 1"), namespace)
    token = make_token(kubectl, namespace, "ada", may_invoke=True)
    port = free_port()
    async with (
        runners.start(SCRIPTORIUM_INTERNAL_PORT=str(port)) as runner,
        aiohttp.ClientSession() as session,
    ):
        door = Door(port, session)
        await until_async(door.is_open, seconds=60)
        runner.wire.cut()
        assert (await door.invoke(token))[0] == 503
        runner.wire.mend()

        async def is_admitted() -> bool:
            return (await door.invoke(token))[0] == 200

        await until_async(is_admitted, seconds=60)
