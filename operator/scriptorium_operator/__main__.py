"""`scriptorium-operator` runs until it is told to stop; all its settings are environment variables."""

import asyncio
import logging
import os
import random
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import kopf

import scriptorium_client as kubernetes
from scriptorium_operator import logs, settings
from scriptorium_operator.context import Context
from scriptorium_operator.errors import SettingInvalid
from scriptorium_operator.gateways.cluster import Cluster
from scriptorium_operator.gateways.syntax import open_syntax_checker
from scriptorium_operator.handlers import configuration, health, login, pools, scripts
from scriptorium_operator.services import tasks
from scriptorium_operator.services.work import Work
from scriptorium_operator.settings import Settings

log = logging.getLogger(__name__)

#: Importing them is what makes kopf know them.
HANDLERS = (login, pools, scripts)


def read_clock() -> datetime:
    """Give the time in UTC, in whole seconds, as Kubernetes writes it."""
    return datetime.now(UTC).replace(microsecond=0)


async def run(chosen: Settings) -> None:
    """Run the operator until a signal ends it."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            kubernetes.Client(kubernetes.load_config(), user_agent="scriptorium-operator")
        )
        syntax = await stack.enter_async_context(open_syntax_checker(chosen.syntax_workers))
        context = Context(
            settings=chosen,
            cluster=Cluster(client),
            syntax=syntax,
            work=Work(random.random),
            now=read_clock,
        )
        await serve(context)


async def serve(context: Context) -> None:
    """Start what the operator consists of, and wait for its end."""
    async with health.serve_health(context):
        await tasks.wait_for_kinds(context)
        tasks.start(context)
        try:
            await kopf.operator(
                clusterwide=True,
                standalone=True,
                memo=context,
                settings=configuration.build_kopf_settings(),
            )
        finally:
            await context.supervisor.stop()


def main() -> None:
    """Run the operator; a setting that makes no sense ends it at once."""
    logs.configure()
    try:
        chosen = settings.read_settings(os.environ)
    except SettingInvalid as error:
        sys.exit(f"scriptorium-operator: {error}")
    log.info("operator starts", extra={"image": chosen.runner.image})
    asyncio.run(run(chosen))


if __name__ == "__main__":
    main()
