"""What scripts call by `scripts.call`: Scripts of their namespace, as the board has them at that moment."""

from collections.abc import Awaitable, Callable
from typing import Any

from scriptorium_api.reasons import Reason
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_runner import engine
from scriptorium_runner.engine import HostError, Share
from scriptorium_runner.executions import decide
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.errors import BoardError
from scriptorium_runner.executions.ports import Board

#: Runs a start for its caller, with this input.
RunStart = Callable[[Start, dict[str, Any]], Awaitable[engine.Result]]


@frozen
class BoardCallees:
    """Runs the Scripts of the caller's namespace."""

    board: Board
    caller: Start
    run_start: RunStart
    share: Share
    """Where what the runner holds of the caller's calls is counted."""

    async def run(self, name: str, value: dict[str, Any]) -> engine.Result:
        """Run a Script as it is now, for at most as long as its caller may run; raises HostError."""
        if problem := decide.find_value_problem(value, "the input"):
            raise HostError(problem, code=str(Reason.INPUT_INVALID))
        script = self.board.find_script(self.caller.namespace, name)
        if script is None:
            raise HostError(
                f'Script "{name}" does not exist in this namespace', code=str(Reason.SCRIPT_NOT_FOUND)
            )
        try:
            with self.share.hold(engine.weigh(value)):
                return await self.run_start(await self._build_start(script), value)
        except engine.NoRoom as error:
            raise HostError(str(error), code="TooMuchUnderWay") from error
        except (engine.AcquireTimeout, engine.PoolClosed, engine.NeverStarted, BoardError) as error:
            raise HostError(f'Script "{name}" could not be started', code="NotStarted") from error

    async def _build_start(self, script: Script) -> Start:
        name, spec = script.metadata.name, script.spec
        if spec.suspend:
            raise HostError(f'Script "{name}" is suspended', code=str(Reason.SCRIPT_SUSPENDED))
        source = await self.board.read_source(script)
        if source.text is None:
            raise HostError(source.problem, code=str(Reason.SCRIPT_NOT_FOUND))
        values = self.board.read_values(script)
        if values.problem:
            raise HostError(values.problem, code=str(Reason.SECRETS_PENDING))
        return Start(
            source=source.text,
            entrypoint=spec.entrypoint,
            limits=spec.limits,
            owner=script.metadata.uid,
            timeout_seconds=min(spec.limits.timeout_seconds, self.caller.timeout_seconds),
            env=values.env,
            secrets=values.secrets,
            namespace=self.caller.namespace,
            script=name,
            permissions=spec.permissions,
        )
