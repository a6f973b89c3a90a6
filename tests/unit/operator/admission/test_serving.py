"""The port itself: TLS by the certificate that is shown, and leaving without dropping a question."""

import asyncio
import dataclasses
import socket
import ssl
from datetime import UTC, datetime

import aiohttp
import pytest

from scriptorium_operator.admission.serving import serve_admission
from scriptorium_operator.context import Context
from scriptorium_operator.gateways import certificates
from scriptorium_operator.services.certificates import Door
from scriptorium_operator.settings import WebhookSettings
from tests.support.waiting import until_async
from tests.unit.operator.gateways.test_certificates import HOST, make_identity

QUESTION = {"request": {"uid": "q1", "object": {"spec": {}}}}


def find_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def asked(context: Context) -> Context:
    """An operator that the API server may ask."""
    door = Door(
        webhooks=None,  # type: ignore[arg-type]
        settings=WebhookSettings(port=find_port()),
        namespace="scriptorium-system",
        pod="operator-1",
        opened=datetime.now(UTC),
    )
    return dataclasses.replace(context, door=door)


async def ask(session: aiohttp.ClientSession, door: Door) -> str:
    """Ask by the Service's name; gives what becomes of the connection."""
    url = f"https://127.0.0.1:{door.settings.port}/check-source"
    async with session.post(url, json=QUESTION, server_hostname=HOST) as answer:
        assert answer.status == 200
        return answer.headers.get("Connection", "keep-alive")


async def test_a_replica_that_leaves_still_answers_and_sends_the_next_question_elsewhere(
    asked: Context,
) -> None:
    identity, door = make_identity(), asked.door
    assert door is not None
    certificates.show(door.tls, identity.pem)
    is_over = asyncio.Event()

    async def serve() -> None:
        async with serve_admission(asked, quiet=1.0):
            await is_over.wait()

    serving = asyncio.create_task(serve())
    trust = ssl.create_default_context(cadata=identity.certificate.pem)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
        await until_async(lambda: is_listening(door.settings.port))
        assert await ask(session, door) == "keep-alive"
        is_over.set()
        await asyncio.sleep(0)
        for _ in range(4):
            # As long as somebody asks it stays.
            assert await ask(session, door) == "close"
            await asyncio.sleep(0.5)
        await serving
        with pytest.raises(aiohttp.ClientConnectorError):
            await ask(session, door)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_an_operator_that_is_not_to_be_asked_opens_no_port(context: Context) -> None:
    async with serve_admission(context):
        assert not is_listening(WebhookSettings.port)
