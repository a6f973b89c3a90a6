"""The port at which the API server asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from scriptorium_operator.admission.app import build_app
from scriptorium_operator.context import Context

#: The API server closes a connection that was idle for 90 s. Were we to close it, a question might just be
#: under way, and the API server does not ask twice.
KEEP_ALIVE_SECONDS = 120.0

#: A replica that ends has been forgotten when nobody has asked for so long.
QUIET_SECONDS = 5.0

#: It waits no longer to be forgotten: every node hears within seconds that the Service leads elsewhere.
LEAVING_SECONDS = 12.0


@dataclass
class _Farewell:
    """Whether this replica is about to end, and that somebody asked."""

    is_begun: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serve_admission(context: Context, quiet: float = QUIET_SECONDS) -> AsyncIterator[None]:
    """Answer the API server as long as the context lasts and until it has forgotten us, if it is to ask."""
    if context.door is None:
        yield
        return
    farewell = _Farewell()
    app = build_app(context)
    app.middlewares.append(_send_elsewhere(farewell))
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, port=context.door.settings.port, ssl_context=context.door.tls)
        await site.start()
        yield
        await _wait_until_forgotten(farewell, quiet)
    finally:
        await runner.cleanup()


async def _wait_until_forgotten(farewell: _Farewell, quiet: float) -> None:
    farewell.is_begun = True
    with suppress(TimeoutError):
        async with asyncio.timeout(LEAVING_SECONDS):
            while True:
                farewell.asked.clear()
                await asyncio.wait_for(farewell.asked.wait(), quiet)


def _send_elsewhere(farewell: _Farewell) -> Middleware:
    @web.middleware
    async def close(request: web.Request, handler: Handler) -> web.StreamResponse:
        farewell.asked.set()
        response = await handler(request)
        if farewell.is_begun:
            # With a new connection the next question goes to another replica.
            response.force_close()
        return response

    return close
