"""Probes and metrics, on a port of their own: nothing of them is ever reachable where scripts are served."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


async def start_health(
    port: int, is_alive: Callable[[], bool], is_ready: Callable[[], bool], registry: CollectorRegistry
) -> web.AppRunner:
    """Serve /livez, /readyz and /metrics until the runner given back is cleaned up."""
    app = web.Application()
    app.router.add_get("/livez", _probe(is_alive))
    app.router.add_get("/readyz", _probe(is_ready))
    app.router.add_get("/metrics", _metrics(registry))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


def _probe(is_well: Callable[[], bool]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n") if is_well() else web.Response(text="not yet\n", status=503)

    return answer


def _metrics(registry: CollectorRegistry) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer
