"""What becomes of the others when kopf ends."""

import asyncio
from contextlib import suppress

from scriptorium_operator.handlers import watching


async def test_what_began_beside_kopf_goes_on_when_kopf_ends() -> None:
    is_over = asyncio.Event()
    root = asyncio.create_task(is_over.wait())
    running = asyncio.create_task(watching.run([root]))  # type: ignore[list-item]
    await asyncio.sleep(0)
    connection = asyncio.create_task(asyncio.Event().wait())
    is_over.set()
    await running
    assert not connection.done()
    connection.cancel()


async def test_what_began_beside_kopf_goes_on_when_kopf_is_told_to_end() -> None:
    root = asyncio.create_task(asyncio.Event().wait())
    running = asyncio.create_task(watching.run([root]))  # type: ignore[list-item]
    await asyncio.sleep(0)
    connection = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert root.cancelled()
    assert not connection.done()
    connection.cancel()
