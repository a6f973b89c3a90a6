"""kopf at work: beside the rest of the operator, which goes on when kopf ends."""

from asyncio import Task
from collections.abc import Collection, Iterator
from typing import Any

import kopf

from scriptorium_operator.context import Context
from scriptorium_operator.handlers import configuration


class Bystanders(Collection[Task[Any]]):
    """Every task of the loop but kopf's own root tasks, also those that begin later.

    Whatever else began since kopf did, it takes for its own: at its end it waits 5 s for such a task and then
    cancels it. So the connections of the API server, which is still being answered, would fall silent.
    """

    def __contains__(self, task: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Task[Any]]:
        return iter(())

    def __len__(self) -> int:
        return 0


async def watch(context: Context) -> None:
    """Have kopf tell of every change of our kinds, until a signal ends it."""
    await run(
        await kopf.spawn_tasks(
            clusterwide=True,
            standalone=True,
            memo=context,
            settings=configuration.build_kopf_settings(context.settings.watch_silence),
        )
    )


async def run(tasks: Collection[Task[Any]]) -> None:
    """Wait for one of kopf's tasks to end, and end the others; nobody else's."""
    await kopf.run_tasks(tasks, ignored=Bystanders())
