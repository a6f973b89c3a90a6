"""What is served now: a table that is replaced as a whole whenever what it was made of changes."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from scriptorium_api.endpoints import references
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.compiled import CompiledSchemas
from scriptorium_runner.endpoints.gates import Gates
from scriptorium_runner.endpoints.ports import Checker, EndpointBoard
from scriptorium_runner.endpoints.routing import Router
from scriptorium_runner.endpoints.schemas import SchemaSet
from scriptorium_runner.endpoints.table import Entry, Table, Work
from scriptorium_runner.endpoints.versions import Version, Versions
from scriptorium_runner.executions import context
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.decide import SWITCHED_OFF, Source, Start
from scriptorium_runner.executions.errors import BoardError
from scriptorium_runner.executions.sandbox import EngineSandbox

log = logging.getLogger(__name__)

#: Between two looks at the values, of whose changes no event tells.
LOOK_SECONDS = 0.5
#: Events come in bursts: what comes within this time after the first is taken together.
_SETTLE_SECONDS = 0.02
_KB = 1024
#: So many Endpoints take a few milliseconds.
_AT_ONCE = 20


@frozen(kw_only=True)
class Terms:
    """How this runner serves."""

    tenant: Tenant
    is_enabled: bool = True
    """Whether scripts run at all."""
    ignore_hosts: bool = False
    """Whether a host that nobody names is answered by all: on a developer's machine."""


class Live:
    """Keeps the table as it has to be."""

    def __init__(
        self,
        board: EndpointBoard,
        sandbox: EngineSandbox,
        checker: Checker,
        terms: Terms,
        on_served: Callable[[bool], None] = lambda _is_served: None,
    ) -> None:
        """`on_served` is told whether there is any Endpoint at all, whenever that changes."""
        self.table = Table()
        self._board, self._sandbox, self._terms = board, sandbox, terms
        self._on_served = on_served
        self._tenant = context.build_tenant(terms.tenant)
        self._changed = asyncio.Event()
        self._gates = Gates(time.monotonic)
        self._schemas = CompiledSchemas()
        self._versions = Versions(checker, self.change)
        self._values_state: object = None
        self._is_served = False

    def change(self) -> None:
        """Tell that something changed of what the table is made of."""
        self._changed.set()

    def set_runners(self, count: int) -> None:
        """Tell how many runners share the Endpoints' limits."""
        self._gates.set_runners(count)

    @property
    def runners(self) -> int:
        """Give how many runners share the Endpoints' limits."""
        return self._gates.runners

    async def run(self) -> None:
        """Keep the table until cancelled."""
        try:
            while True:
                await self._wait_for_change()
                await self.refresh()
        finally:
            await self._versions.close()

    async def refresh(self) -> None:
        """Make the table anew from what there is now."""
        self._changed.clear()
        self._values_state = self._board.find_values_state()
        endpoints = list(self._board.list_endpoints())
        self._uids: set[str] = set()
        entries = await self._build_entries(endpoints)
        router = Router.build(endpoints, ignore_hosts=self._terms.ignore_hosts)
        self._tell_obstacles(entries)
        self.table = Table(router, {each.endpoint.metadata.uid: each for each in entries})
        self._gates.forget_others(self.table.entries.keys())
        self._schemas.forget_others(self.table.entries.keys())
        self._versions.forget_others(self._uids)
        if self._is_served is not bool(endpoints):
            self._is_served = bool(endpoints)
            self._on_served(self._is_served)

    async def _build_entries(self, endpoints: Sequence[Endpoint]) -> list[Entry]:
        entries: list[Entry] = []
        for number, each in enumerate(endpoints, start=1):
            entries.append(await self._build_entry(each))
            if number % _AT_ONCE == 0:
                # Requests go on meanwhile; what changes has the table made once more.
                await asyncio.sleep(0)
        return entries

    async def _wait_for_change(self) -> None:
        while not self._changed.is_set() and self._board.find_values_state() == self._values_state:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue
        await asyncio.sleep(_SETTLE_SECONDS)

    async def _build_entry(self, endpoint: Endpoint) -> Entry:
        spec, namespace = endpoint.spec, endpoint.metadata.namespace
        schemas = self._schemas.find(endpoint)
        name = references.find_script_name(endpoint)
        work = schemas if isinstance(schemas, str) else await self._find_work(endpoint, name)
        asked = [way.script.name for way in spec.auth if way.script is not None]
        return Entry(
            endpoint=endpoint,
            work=work if isinstance(work, Work) else None,
            obstacle="" if isinstance(work, Work) else work,
            deciders={name: await self._find_work(endpoint, name) for name in asked},
            gate=self._gates.find(endpoint),
            schemas=SchemaSet() if isinstance(schemas, str) else schemas,
            headers=tuple((spec.response_headers or {}).items()),
            max_body=spec.max_body_kb * _KB,
            secrets=self._board.open_secrets(namespace),
        )

    async def _find_work(self, endpoint: Endpoint, name: str) -> Work | str:
        """Give a Script that an Endpoint needs, or why it does not run."""
        if not self._terms.is_enabled:
            return SWITCHED_OFF
        script = self._board.find_script(endpoint.metadata.namespace, name)
        if script is None:
            return f'Script "{name}" does not exist in this namespace'
        self._uids.add(script.metadata.uid)
        source = await self._read_source(script)
        version = self._versions.choose(script, source.text)
        if version is None:
            return source.problem
        if script.spec.suspend:
            return f'Script "{name}" is suspended'
        values = self._board.read_values(version.script)
        if values.problem:
            return values.problem
        start = replace(_build_start(endpoint, version), env=values.env, secrets=values.secrets)
        return self._build_work(endpoint, version, start)

    async def _read_source(self, script: Script) -> Source:
        try:
            return await self._board.read_source(script)
        except BoardError as error:
            # What serves goes on; it is looked at again with the next look at the values.
            self._values_state = None
            return Source(None, f"its source cannot be read: {error}")

    def _build_work(self, endpoint: Endpoint, version: Version, start: Start) -> Work:
        status = version.script.status
        number = status.version if status.source_hash == version.hash else None
        return Work(
            prepared=self._sandbox.prepare(start, endpoint.spec.max_response_kb),
            uid=version.script.metadata.uid,
            name=version.script.metadata.name,
            hash=version.hash,
            version=number,
            context=context.build_serving_context(
                endpoint.metadata.name, version.script, number, self._tenant
            ),
        )

    def _tell_obstacles(self, entries: list[Entry]) -> None:
        """Log what keeps Endpoints from being answered, once for each state of affairs."""
        former = {uid: each.obstacle for uid, each in self.table.entries.items()}
        for entry in entries:
            metadata = entry.endpoint.metadata
            if entry.obstacle and former.get(metadata.uid) != entry.obstacle:
                log.warning(
                    "an endpoint has no script to answer",
                    extra={"endpoint": metadata.name, "problem": entry.obstacle},
                )


def _build_start(endpoint: Endpoint, version: Version) -> Start:
    spec, script = version.script.spec, version.script
    asked = endpoint.spec.timeout_seconds or spec.limits.timeout_seconds
    return Start(
        source=version.text,
        entrypoint=spec.entrypoint,
        limits=spec.limits,
        owner=script.metadata.uid,
        share=script.metadata.name,
        timeout_seconds=min(asked, spec.limits.timeout_seconds),
        namespace=script.metadata.namespace,
        script=script.metadata.name,
        permissions=spec.permissions,
    )
