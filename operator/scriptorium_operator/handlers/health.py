"""What the kubelet and Prometheus ask: whether the operator lives, has seen everything, and its numbers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from scriptorium_api.values import frozen
from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind

_CONTEXT = web.AppKey("context", Context)


@frozen
class Health:
    """What does not work at this moment."""

    dead: list[str]
    silent: list[str]

    @property
    def is_good(self) -> bool:
        """Say whether nothing is wrong."""
        return not (self.dead or self.silent)


def examine(context: Context) -> Health:
    """Give what does not work: dead tasks, and kinds of which kopf no longer tells."""
    now = context.now()
    silent = [kind.value for kind, canary in context.canaries.items() if canary.is_silent(now)]
    return Health(dead=context.supervisor.list_dead(), silent=silent)


@asynccontextmanager
async def serve_health(context: Context) -> AsyncIterator[None]:
    """Answer /healthz, /readyz and /metrics as long as the context lasts, in every replica."""
    app = web.Application()
    app[_CONTEXT] = context
    app.add_routes(
        [
            web.get("/healthz", _answer_health),
            web.get("/readyz", _answer_readiness),
            web.get("/metrics", _answer_metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=context.settings.health_port).start()
        yield
    finally:
        await runner.cleanup()


async def _answer_health(request: web.Request) -> web.Response:
    context = request.app[_CONTEXT]
    health = examine(context)
    body = {"dead": health.dead, "silent": health.silent, "deaths": context.supervisor.count_deaths()}
    return web.json_response(body, status=200 if health.is_good else 503)


async def _answer_readiness(request: web.Request) -> web.Response:
    context = request.app[_CONTEXT]
    missing = sorted(kind.value for kind in Kind if kind not in context.inventory.in_sync)
    if context.door is not None and not context.door.may_be_asked(context.now()):
        missing.append("certificate")
    return web.json_response({"missing": missing}, status=503 if missing else 200)


async def _answer_metrics(request: web.Request) -> web.Response:
    metrics = request.app[_CONTEXT].metrics
    return web.Response(body=metrics.render(), headers={"Content-Type": metrics.content_type})
