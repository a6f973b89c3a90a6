"""`scriptorium-runner run` as a process, with an API server that knows one run and nothing else."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.web import serve
from tests.unit.runner.engine.cgroups import MB, set_used, write_version_2
from tests.unit.runner.engine.processes import wait_until

#: Its container's memory is what the files in a folder of the test's say.
RUNNER = """
import atexit
import json
import sys
from pathlib import Path
from scriptorium_runner import __main__
from scriptorium_runner.engine.pool import container_memory
from scriptorium_runner.engine.pool.container_memory import ContainerMemory

folder = Path(sys.argv.pop())
container_memory.find_container_memory = lambda: ContainerMemory(folder, is_version_2=True)
atexit.register(lambda: (folder / "modules").write_text(json.dumps([*sys.modules])))
__main__.main(["run"])
"""
#: What the image's file of modules has.
BUNDLED = """
import json, sys
from scriptorium_runner.own_pod import make_bundle
make_bundle.import_all()
print(json.dumps([*sys.modules]))
"""
VARIABLES = {
    "POD_NAMESPACE": "team",
    "POD_NAME": "run-pod",
    "POD_UID": "pod-uid",
    "SCRIPTORIUM_TENANT_ID": "ns-uid",
    "SCRIPTORIUM_HTTP_NODE_ADDRESSES": "192.0.2.1",
    "SCRIPTORIUM_HTTP_DENIED_ADDRESSES": "192.0.2.2",
    "SCRIPTORIUM_EXECUTION": "once",
    "SCRIPTORIUM_EXECUTION_UID": "run-uid",
}
HOLD = "const held = Array(4e6).fill(1); for (;;) await 0"


@dataclass
class ApiServer:
    """Holds one run and the statuses that were written to it."""

    source: str
    statuses: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if "watch" in request.query:
            await asyncio.Event().wait()
        if request.method == "PATCH":
            (status,) = [
                each["value"] for each in json.loads(await request.read()) if each["path"] == "/status"
            ]
            self.statuses.append(status)
        if request.path.endswith("/scriptexecutions"):
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": [self._render()]})
        return web.json_response(self._render())

    def _render(self) -> dict[str, Any]:
        return {
            "apiVersion": "scriptorium.dev/v1alpha1",
            "kind": "ScriptExecution",
            "metadata": {
                "name": "once",
                "namespace": "team",
                "uid": "run-uid",
                "generation": 1,
                "resourceVersion": str(1 + len(self.statuses)),
                "creationTimestamp": "2030-01-01T00:00:00Z",
            },
            "spec": {"source": self.source, "isolation": "Pod", "limits": {"timeoutSeconds": 20}},
            "status": self.statuses[-1] if self.statuses else {},
        }

    @property
    def phases(self) -> list[str]:
        return [status["phase"] for status in self.statuses]


@contextlib.asynccontextmanager
async def running(
    api: ApiServer, folder: Path, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command against the API server; it is over, or ended, afterwards."""
    async with serve(api.answer) as site:
        config = {
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{site.port}"}}],
            "users": [{"name": "it", "user": {"token": "none"}}],
        }
        (folder / "config").write_text(json.dumps(config))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RUNNER, str(folder)),
            env=os.environ | VARIABLES | {"KUBECONFIG": str(folder / "config")} | variables,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_a_run_with_room_ends_well(tmp_path: Path) -> None:
    write_version_2(tmp_path, str(300 * MB))
    api = ApiServer("return 1")
    async with running(api, tmp_path) as process:
        assert await asyncio.wait_for(process.wait(), 60) == 0
    assert api.phases == ["Running", "Succeeded"]


async def test_a_run_imports_nothing_that_the_image_has_not_in_its_file(tmp_path: Path) -> None:
    write_version_2(tmp_path, str(300 * MB))
    async with running(ApiServer("return 1"), tmp_path) as process:
        assert await asyncio.wait_for(process.wait(), 60) == 0
    listed = await asyncio.to_thread(subprocess.check_output, [sys.executable, "-c", BUNDLED])
    bundled = json.loads(listed)
    others = {*json.loads((tmp_path / "modules").read_text())} - {*bundled}
    # What begins it is there before the file is used; and it reads where its API server is, as no pod does.
    assert {name for name in others if name.startswith(("pydantic", "scriptorium"))} == {
        "scriptorium_runner.__main__"
    }


async def test_a_run_that_fills_the_memory_of_its_own_pod_ends_before_the_pod(tmp_path: Path) -> None:
    write_version_2(tmp_path, str(300 * MB))
    api = ApiServer(HOLD)
    async with running(api, tmp_path) as process:
        await wait_until(lambda: api.phases == ["Running"])
        set_used(tmp_path, 290 * MB)
        assert await asyncio.wait_for(process.wait(), 60) == 1
    assert api.phases == ["Running", "Failed"]
    assert api.statuses[-1]["reason"] == "MemoryPressure"
