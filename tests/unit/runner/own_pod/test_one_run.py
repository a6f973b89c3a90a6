"""What a pod does about a run of which it knows already: it was made, or found, a moment ago."""

import asyncio
from typing import Any, cast

import pytest

from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_client import Client, Conflict
from scriptorium_client.client import Manifest
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.own_pod.one_run import Known, OneRun, Pod
from scriptorium_runner.sources import one_run
from scriptorium_runner.sources.one_run import Target
from tests.support.makers import make_execution, make_script
from tests.unit.runner.schedules.fakes import make_cron_script

PLACE = Place(
    holder=Holder(pod="pod", uid="pod-uid", start_id="one"), tenant=Tenant(id="t", name="team"), slots=1
)


class Server:
    """Holds one run and its Script, and remembers what it was asked for."""

    def __init__(self, run: ScriptExecution) -> None:
        self.run = run
        self.asked: list[str] = []

    async def get(self, _resource: Any, name: str, _namespace: str) -> Manifest:
        self.asked.append(name)
        # Others get their turn while a server answers.
        for _ in range(10):
            await asyncio.sleep(0)
        return (self.run if name == "run-1" else make_script("hello", source="return 1")).to_wire()

    find = get

    async def replace_status(
        self, _resource: Any, _name: str, _namespace: str, status: Manifest, version: str
    ) -> Manifest:
        if version != self.run.metadata.resource_version:
            raise Conflict("changed")
        self.change(status=ExecutionStatus.model_validate(status))
        return self.run.to_wire()

    def change(self, **update: Any) -> None:
        version = str(int(self.run.metadata.resource_version) + 1)
        metadata = self.run.metadata.model_copy(update={"resource_version": version})
        self.run = self.run.model_copy(update={"metadata": metadata} | update)


class Sandbox:
    """Succeeds at once."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, *_: Any) -> Outcome:
        self.runs += 1
        return Outcome(reason=Reason.COMPLETED)


@pytest.fixture(autouse=True)
def _listen_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def listen(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(one_run, "listen", listen)


async def follow(
    server: Server, sandbox: Sandbox, known: ScriptExecution, stopping: asyncio.Event | None = None
) -> int:
    pod = Pod(cast("Client", server), sandbox, PLACE, 1, lambda _run, _status: None)
    run = OneRun(pod, Target("team", "run-1", "run-1"), known=Known(known, make_cron_script()))
    async with asyncio.timeout(5):
        return await run.follow(stopping or asyncio.Event())


async def test_a_run_that_was_just_made_is_not_read_again_before_it_runs() -> None:
    server, sandbox = Server(make_execution()), Sandbox()
    assert await follow(server, sandbox, server.run) == 0
    assert (server.run.status.phase, sandbox.runs) == (Phase.SUCCEEDED, 1)
    assert server.asked == ["hello", "run-1"]


async def test_a_run_that_was_cancelled_meanwhile_does_not_begin() -> None:
    server, sandbox = Server(make_execution()), Sandbox()
    known = server.run
    server.change(spec=known.spec.model_copy(update={"cancel": True}))
    await follow(server, sandbox, known)
    assert (server.run.status.phase, sandbox.runs) == (Phase.CANCELLED, 0)


async def test_a_run_that_another_took_meanwhile_is_left_to_it() -> None:
    server, sandbox = Server(make_execution()), Sandbox()
    known = server.run
    taken = ExecutionStatus(
        phase=Phase.RUNNING, attempt=1, runner=Holder(pod="other", uid="other-uid", start_id="two")
    )
    server.change(status=taken)
    await follow(server, sandbox, known)
    assert (server.run.status, sandbox.runs) == (taken, 0)


@pytest.mark.parametrize("is_taken", [False, True])
async def test_an_attempt_whose_run_was_changed_meanwhile_is_made_unless_another_took_it(
    is_taken: bool,
) -> None:
    taken = ExecutionStatus(
        phase=Phase.RUNNING, attempt=1, runner=Holder(pod="other", uid="other-uid", start_id="two")
    )

    class Changing(Server):
        """Changes the run once, between the look at it and its claim."""

        async def find(self, resource: Any, name: str, namespace: str) -> Manifest:
            if name == "hello" and self.asked.count("hello") == 0:
                self.change(**({"status": taken} if is_taken else {}))
            return await self.get(resource, name, namespace)

    server, sandbox = Changing(make_execution()), Sandbox()
    pod = Pod(cast("Client", server), sandbox, PLACE, 1, lambda _run, _status: None)
    async with asyncio.timeout(5):
        await OneRun(pod, Target("team", "run-1", "run-1"), 1).follow(asyncio.Event())
    assert (server.run.status.phase, sandbox.runs) == (
        (Phase.RUNNING, 0) if is_taken else (Phase.SUCCEEDED, 1)
    )


async def test_what_becomes_of_a_run_is_heard_from_its_claim_on(monkeypatch: pytest.MonkeyPatch) -> None:
    server, found = Server(make_execution()), list[Phase]()
    is_heard = asyncio.Event()

    class Waiting(Sandbox):
        async def run(self, *arguments: Any) -> Outcome:
            await is_heard.wait()
            return await super().run(*arguments)

    async def listen(*_: Any) -> None:
        found.append(server.run.status.phase)
        is_heard.set()

    monkeypatch.setattr(one_run, "listen", listen)
    assert await follow(server, Waiting(), server.run) == 0
    assert found == [Phase.RUNNING]


async def test_what_becomes_of_a_run_that_has_to_wait_is_heard_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty(Server):
        async def find(self, _resource: Any, name: str, _namespace: str) -> Manifest | None:
            return await self.get(_resource, name, _namespace) if name == "run-1" else None

    server, stopping = Empty(make_execution()), asyncio.Event()

    async def listen(*_: Any) -> None:
        stopping.set()

    monkeypatch.setattr(one_run, "listen", listen)
    monkeypatch.setattr("scriptorium_runner.own_pod.one_run.UNHEARD_SECONDS", 0.01)
    assert await follow(server, Sandbox(), server.run, stopping) == 1
    assert server.run.status.phase is Phase.PENDING
