"""`scriptorium-operator` runs until it is told to stop; all its settings are environment variables."""

import asyncio
import logging
import os
import random
import secrets
import sys
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime

import scriptorium_client as kubernetes
from scriptorium_operator import logs, settings
from scriptorium_operator.admission.serving import serve_admission
from scriptorium_operator.context import Context
from scriptorium_operator.decide.election import LEASE_SECONDS
from scriptorium_operator.errors import NotLeading, OperatorError, SandboxIncomplete, SettingInvalid
from scriptorium_operator.gateways.cluster import Cluster
from scriptorium_operator.gateways.election import LeaseGateway, Replica
from scriptorium_operator.gateways.metrics import Metrics
from scriptorium_operator.gateways.syntax import open_syntax_checker
from scriptorium_operator.gateways.webhooks import Webhooks
from scriptorium_operator.handlers import cron_scripts, health, login, pools, scriptendpoints, scripts
from scriptorium_operator.handlers.watching import watch
from scriptorium_operator.services import leadership, tasks
from scriptorium_operator.services.certificates import Door
from scriptorium_operator.services.leadership import Leadership
from scriptorium_operator.services.work import Work
from scriptorium_operator.settings import Settings

log = logging.getLogger(__name__)

#: Importing them is what makes kopf know them.
HANDLERS = (login, pools, scripts, cron_scripts, scriptendpoints)


def read_clock() -> datetime:
    """Give the time in UTC, in whole seconds, as Kubernetes writes it."""
    return datetime.now(UTC).replace(microsecond=0)


async def run(chosen: Settings) -> None:
    """Run the operator until a signal ends it."""
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            kubernetes.Client(
                kubernetes.load_config(),
                user_agent="scriptorium-operator",
                tell=metrics.count_request,
                silence_seconds=chosen.watch_silence.total_seconds(),
            )
        )
        syntax = await stack.enter_async_context(
            open_syntax_checker(chosen.syntax_workers, requires_landlock=chosen.runner.requires_landlock)
        )
        lead = Leadership(time.monotonic)
        context = Context(
            settings=chosen,
            cluster=Cluster(client, lead.check, metrics.count_write),
            syntax=syntax,
            leadership=lead,
            work=Work(random.random, metrics.count_reconcile),
            now=read_clock,
            chance=random.random,
            door=build_door(chosen, Webhooks(client)),
            metrics=metrics,
        )
        show(context)
        # A container that was started again in its pod is another replica: it remembers nothing.
        identity = f"{chosen.pod}/{secrets.token_hex(4)}"
        replica = Replica(identity, chosen.namespace, LEASE_SECONDS)
        leases = LeaseGateway(client, replica, lambda: datetime.now(UTC))
        async with health.serve_health(context), serve_admission(context):
            await tasks.wait_for_kinds(context)
            await serve(context, leases)


def build_door(chosen: Settings, webhooks: Webhooks) -> Door | None:
    """Give where the API server comes in, if it is to come."""
    if chosen.webhooks is None:
        return None
    return Door(
        webhooks=webhooks,
        settings=chosen.webhooks,
        namespace=chosen.namespace,
        pod=chosen.pod,
        opened=read_clock(),
    )


def show(context: Context) -> None:
    """Have the metrics read what they do not count."""
    context.metrics.show_leadership(lambda: context.leadership.is_held)
    context.metrics.show_load(lambda: context.work.load)
    context.metrics.show_deaths(context.supervisor.count_deaths)
    context.metrics.show_endpoints(context.endpoints.count_reasons)


async def serve(context: Context, leases: LeaseGateway) -> None:
    """Run what the operator consists of, until a signal ends it; raises NotLeading if it has to make way."""
    tasks.start(context)
    watching = asyncio.create_task(watch(context))
    campaign = asyncio.create_task(leadership.campaign(context.leadership, leases, time.monotonic))
    try:
        await asyncio.wait({watching, campaign}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await context.supervisor.stop()
        await end(campaign, watching)
    with suppress(OperatorError):
        await leases.give_up()


async def end(campaign: asyncio.Task[None], watching: asyncio.Task[None]) -> None:
    """End what is still running; raises what ended the other."""
    for task in (campaign, watching):
        task.cancel()
    for outcome in await asyncio.gather(campaign, watching, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


def main() -> None:
    """Run the operator; a setting that makes no sense ends it at once."""
    logs.configure()
    try:
        chosen = settings.read_settings(os.environ)
    except SettingInvalid as error:
        sys.exit(f"scriptorium-operator: {error}")
    log.info("operator starts", extra={"image": chosen.runner.image})
    try:
        asyncio.run(run(chosen))
    except SandboxIncomplete as incomplete:
        sys.exit(f"scriptorium-operator: {incomplete}")
    except NotLeading:
        sys.exit("scriptorium-operator: another replica took over while this one could not be heard")


if __name__ == "__main__":
    main()
