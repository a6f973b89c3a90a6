"""The operator's own tasks: followers, workers and the sweep, all under supervision."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from scriptorium_operator.context import Context
from scriptorium_operator.errors import ClusterUnavailable
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services import (
    announcing,
    certificates,
    clearing,
    cron_scripts,
    endpoints,
    following,
    ingresses,
    pools,
    run_pods,
    scripts,
    slot_jobs,
    sweeping,
)

log = logging.getLogger(__name__)

_OUR_KINDS = (Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.ENDPOINT, Kind.EXECUTION, Kind.RUNNER_POOL)

_VERBS: dict[Kind, Callable[[Context, Key], Awaitable[float | None]]] = {
    Kind.SCRIPT: scripts.reconcile,
    Kind.CRON_SCRIPT: cron_scripts.reconcile,
    Kind.ENDPOINT: endpoints.reconcile,
    Kind.INGRESS: ingresses.reconcile,
    Kind.RUNNER_POOL: pools.reconcile,
    Kind.NAMESPACE: pools.ensure_pool,
    Kind.EXECUTION: run_pods.reconcile,
    Kind.CRON_JOB: slot_jobs.reconcile,
}


async def handle(context: Context, key: Key) -> float | None:
    """Bring one object up to date; gives after how many seconds it is to be looked at again."""
    return await _VERBS[key.kind](context, key)


def start(context: Context) -> None:
    """Start all tasks: every replica sees everything, and the one that leads works."""
    for kind in Kind:
        context.supervisor.start(f"follow {kind}", partial(following.follow_kind, context, kind))
    if context.door is not None:
        # Every replica is asked, so every one has a certificate.
        keep = partial(certificates.keep_certificate, context.door, context.now)
        context.supervisor.start("certificate", keep)
    for name, work in _list_works(context):
        context.supervisor.start(name, partial(_work_when_leading, context, work))


def _list_works(context: Context) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    return [
        *(
            (f"work {number}", partial(context.work.work_off, partial(handle, context)))
            for number in range(context.settings.workers)
        ),
        ("announce", partial(announcing.announce_for_ever, context)),
        ("clear", partial(clearing.clear_for_ever, context)),
        ("sweep", partial(sweeping.sweep_for_ever, context)),
    ]


async def _work_when_leading(context: Context, work: Callable[[], Awaitable[None]]) -> None:
    await context.leadership.wait()
    await work()


async def wait_for_kinds(context: Context, pause: float = 2.0) -> None:
    """Wait until the API server knows our kinds: kopf looks for them only once."""
    for kind in _OUR_KINDS:
        while not await _is_serving(context, kind):
            log.warning("kind not there yet: install the CRDs", extra={"kind": kind.value, "pause": pause})
            await asyncio.sleep(pause)


async def _is_serving(context: Context, kind: Kind) -> bool:
    try:
        return await context.cluster.is_serving(kind)
    except ClusterUnavailable as error:
        log.warning("the API server does not answer", extra={"error": str(error)})
        return False
