"""The port at which the API server asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from scriptorium_operator.admission.app import build_app
from scriptorium_operator.context import Context

#: The API server closes a connection that was idle for 90 s. Were we to close it, a question might just be
#: under way, and the API server does not ask twice.
KEEP_ALIVE_SECONDS = 120.0

#: How long a replica that ends still answers, until no API server is sent to it any more.
LEAVING_SECONDS = 10.0


@asynccontextmanager
async def serve_admission(context: Context, leaving: float = LEAVING_SECONDS) -> AsyncIterator[None]:
    """Answer the API server as long as the context lasts and a little longer, unless webhooks are off."""
    if context.door is None:
        yield
        return
    app = build_app(context)
    is_leaving = asyncio.Event()
    app.middlewares.append(_close_when(is_leaving))
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, port=context.door.settings.port, ssl_context=context.door.tls)
        await site.start()
        yield
        is_leaving.set()
        await asyncio.sleep(leaving)
    finally:
        await runner.cleanup()


def _close_when(is_leaving: asyncio.Event) -> Middleware:
    @web.middleware
    async def close(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if is_leaving.is_set():
            # The next question goes to another replica.
            response.force_close()
        return response

    return close
