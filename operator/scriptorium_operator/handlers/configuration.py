"""How kopf is set up; the reasons are measured ones."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain, repeat

import kopf

from scriptorium_api import names


class Backoffs(Iterable[float]):
    """The pauses in seconds between kopf's tries of a request: without an end, and never long.

    A list that ends is the end of kopf's watch too, after a minute of 5xx, and kopf starts no other (#962).
    """

    def __iter__(self) -> Iterator[float]:
        return chain((1, 2, 5), repeat(10))


def build_kopf_settings(watch_silence: timedelta) -> kopf.OperatorSettings:
    """Give the settings of a kopf that neither falls silent nor storms, and writes nothing of its own."""
    settings = kopf.OperatorSettings()
    _configure_watches(settings, watch_silence)
    _configure_load(settings)
    _configure_writes(settings)
    return settings


def _configure_watches(settings: kopf.OperatorSettings, silence: timedelta) -> None:
    # A watch can go silent without being closed: the server ends each after 5 minutes, we after 6, and a
    # minute without even a bookmark counts as broken (kopf #1108, #962).
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 360
    settings.watching.connect_timeout = 30
    settings.watching.inactivity_timeout = silence.total_seconds()
    # The API server's own limit on a request: kopf would wait for a lost answer for 5 minutes.
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = Backoffs()
    settings.networking.enforce_retry_after = True
    # Kinds are waited for before kopf starts; to watch all CRDs of a cluster costs memory and a right.
    settings.scanning.disabled = True


def _configure_load(settings: kopf.OperatorSettings) -> None:
    # After a restart every object is told at once; without a limit there is a task for each.
    settings.queueing.worker_limit = 20
    # A worker stays with its object for this long. With kopf's 5 s those 20 would see 4 objects a second, and
    # 10,000 in 40 minutes; this way they keep up with the list, and nothing piles up in memory.
    settings.queueing.idle_timeout = 0.01
    # 10,000 Scripts in one answer would be held three times over.
    settings.watching.chunk_size = 500


def _configure_writes(settings: kopf.OperatorSettings) -> None:
    # Our handlers only take note of events, so kopf has nothing to remember on objects. Should it ever,
    # then under our own prefix and without the source: status.sourceHash stands for it.
    settings.persistence.finalizer = f"{names.GROUP}/finalizer"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=names.GROUP, v1=False)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(
        prefix=names.GROUP, v1=False, ignored_fields=["spec.source"]
    )
    settings.posting.enabled = False
