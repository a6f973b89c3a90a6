"""An API server that is asked about tokens: it answers as a test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.ports import free_port

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
MAY = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ADA = {"username": "ada", "uid": "ada-uid", "groups": ["system:authenticated"]}


@dataclass
class Question:
    """What the server was asked."""

    path: str
    authorization: list[str]
    body: Any
    certificate: Any


@dataclass
class ApiServer:
    """Answers as a test says, and remembers what it was asked."""

    user: dict[str, Any] = field(default_factory=lambda: dict(ADA))
    status: dict[str, Any] = field(default_factory=lambda: {"allowed": True})
    codes: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    hold: asyncio.Event | None = None
    port: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        transport = request.transport
        self.asked.append(
            Question(
                path=request.path,
                authorization=request.headers.getall("Authorization", []),
                body=await request.json(),
                certificate=transport.get_extra_info("peercert") if transport else None,
            )
        )
        if self.hold:
            await self.hold.wait()
        code = self.codes.get(request.path, 201)
        if code != 201:
            return web.json_response({"kind": "Status", "message": "no"}, status=code, headers=self.headers)
        answers = {WHO: {"userInfo": self.user}, MAY: self.status}
        return web.json_response({"status": answers[request.path]}, status=201, headers=self.headers)


@asynccontextmanager
async def serving(server: ApiServer, tls: Any = None) -> AsyncIterator[ApiServer]:
    app = web.Application()
    app.router.add_post("/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    server.port = free_port()
    await web.TCPSite(runner, "127.0.0.1", server.port, ssl_context=tls).start()
    try:
        yield server
    finally:
        await runner.cleanup()
