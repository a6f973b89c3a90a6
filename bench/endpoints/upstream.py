"""`python -m bench.endpoints.upstream ADDRESS PORT`: the server that scripts wait for."""

import asyncio
import sys

from aiohttp import web

from bench.endpoints import cases


async def answer(_request: web.Request) -> web.Response:
    """Answer late."""
    await asyncio.sleep(cases.WAIT_SECONDS)
    return web.Response(text=cases.WAITED)


def main(address: str, port: str) -> None:
    """Serve until told to stop."""
    app = web.Application()
    app.router.add_get("/{anything:.*}", answer)
    web.run_app(app, host=address, port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
