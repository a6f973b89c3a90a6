"""`python -m bench.endpoints.peers.bare_aiohttp PORT UPSTREAM`: the floor; aiohttp with nothing behind it."""

import sys
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

UPSTREAM = web.AppKey("upstream", str)
CLIENT = web.AppKey("client", aiohttp.ClientSession)


async def hello(_request: web.Request) -> web.Response:
    """Answer at once."""
    return web.Response(text="hello")


async def wait(request: web.Request) -> web.Response:
    """Answer what the other server answers."""
    async with request.app[CLIENT].get(request.app[UPSTREAM]) as found:
        return web.Response(text=await found.text())


async def keep_client(app: web.Application) -> AsyncIterator[None]:
    """Have one client, with as many connections as are asked for."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as app[CLIENT]:
        yield


def main(port: str, upstream: str) -> None:
    """Serve until told to stop."""
    app = web.Application()
    app[UPSTREAM] = upstream
    app.cleanup_ctx.append(keep_client)
    app.router.add_get("/hello", hello)
    app.router.add_get("/wait", wait)
    web.run_app(app, host="127.0.0.1", port=int(port), access_log=None, print=None, backlog=1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
