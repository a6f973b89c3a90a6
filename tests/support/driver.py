"""A person at a real browser, without a window: opens pages, types, presses, and sees what comes of it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.browser import OPTIONS
from tests.support.waiting import until_async


class Tab:
    """One page in the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        #: Every address that was asked for, refused ones among them.
        self.requested: list[str] = []
        #: What alert and its like were called with.
        self.dialogs: list[str] = []
        #: What the browser complains of, such as what its policy forbids.
        self.complaints: list[str] = []

    async def listen(self) -> None:
        """Take what the browser says, until it is closed."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
                continue
            parameters = said["params"]
            match said["method"]:
                case "Network.requestWillBeSent":
                    self.requested.append(parameters["request"]["url"])
                case "Page.javascriptDialogOpening":
                    self.dialogs.append(parameters["message"])
                case "Log.entryAdded":
                    self.complaints.append(parameters["entry"]["text"])

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have the browser do something."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        said = await asyncio.wait_for(answer, 60)
        assert "error" not in said, said
        found: dict[str, Any] = said["result"]
        return found

    async def open(self, url: str) -> None:
        """Go to a page."""
        for domain in ("Network", "Page", "Log", "Runtime"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """Give the value of an expression in the page."""
        said = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def wait_for(self, expression: str) -> Any:
        """Give the value of an expression once it is a true one."""
        return await until_async(lambda: self.evaluate(expression), 20)

    async def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key, as at a keyboard."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.call(
            "Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {})
        )
        await self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.call("Input.insertText", text=text)


@contextlib.asynccontextmanager
async def open_tab(browser: str, profile: Path) -> AsyncIterator[Tab]:
    """Start a browser, and end it."""
    process = await asyncio.create_subprocess_exec(
        browser,
        *OPTIONS,
        "--no-first-run",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as session:
            place = profile / "DevToolsActivePort"
            port: str = await until_async(lambda: _read_port(place), 60)
            async with session.get(f"http://127.0.0.1:{port}/json/list") as found:
                (page,) = [each for each in await found.json() if each["type"] == "page"]
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen())
                try:
                    yield tab
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
    finally:
        process.terminate()
        await process.wait()


async def _read_port(place: Path) -> str:
    return await asyncio.to_thread(_find_port, place)


def _find_port(place: Path) -> str:
    """Give the port that the browser listens at, once it is written as a whole."""
    lines = place.read_text().splitlines() if place.exists() else []
    return lines[0] if len(lines) == 2 else ""
