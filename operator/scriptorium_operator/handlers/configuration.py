"""How kopf is set up; the reasons are measured ones."""

import kopf

from scriptorium_api import names


def build_kopf_settings() -> kopf.OperatorSettings:
    """Give the settings of a kopf that neither falls silent nor storms, and writes nothing of its own."""
    settings = kopf.OperatorSettings()
    _configure_watches(settings)
    _configure_writes(settings)
    return settings


def _configure_watches(settings: kopf.OperatorSettings) -> None:
    # A watch can go silent without being closed: the server ends each after 5 minutes, we after 6, and a
    # minute without even a bookmark counts as broken (kopf #1108, #962).
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 360
    settings.watching.connect_timeout = 30
    settings.watching.inactivity_timeout = 70
    # After a restart every object is told at once; without a limit there is a task for each.
    settings.queueing.worker_limit = 20
    settings.networking.enforce_retry_after = True
    # Kinds are waited for before kopf starts; to watch all CRDs of a cluster costs memory and a right.
    settings.scanning.disabled = True


def _configure_writes(settings: kopf.OperatorSettings) -> None:
    # Our handlers only take note of events, so kopf has nothing to remember on objects. Should it ever,
    # then under our own prefix and without the source: status.sourceHash stands for it.
    settings.persistence.finalizer = f"{names.GROUP}/finalizer"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=names.GROUP, v1=False)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(
        prefix=names.GROUP, v1=False, ignored_fields=["spec.source"]
    )
    settings.posting.enabled = False
