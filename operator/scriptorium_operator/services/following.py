"""Followers: one task a kind that turns what changed into what is to be looked at again."""

from collections.abc import Callable

from scriptorium_api import names
from scriptorium_operator.context import Context
from scriptorium_operator.decide import endpoint_places
from scriptorium_operator.facts import POOL_PARTS, Key, Kind
from scriptorium_operator.notices import InSync, Notice
from scriptorium_operator.services import pools


async def follow_kind(context: Context, kind: Kind) -> None:
    """Take note of every change of a kind, for ever."""
    context.inventory.begin(kind)
    if kind is Kind.EXECUTION:
        context.history.clear()
        context.cron_runs.clear()
    elif kind in (Kind.SCRIPT, Kind.ENDPOINT):
        context.named_values.clear(kind)
        if kind is Kind.ENDPOINT:
            context.endpoints.clear()
    elif kind is Kind.JOB:
        context.fired_jobs.clear()
    async for told in context.cluster.follow(kind):
        if isinstance(told, InSync):
            _note_sync(context, kind)
        else:
            take(context, told)


def _note_sync(context: Context, kind: Kind) -> None:
    context.inventory.in_sync.add(kind)
    if kind in (Kind.SCRIPT, Kind.ENDPOINT, Kind.RUNNER_POOL):
        # Those that were looked at before it was known what they have to mount.
        for pool in context.inventory.list_pools():
            context.work.add(pool.key)
    if kind in (Kind.ENDPOINT, Kind.RUNNER_POOL):
        for key in (*context.endpoints.list_all(), *context.endpoints.ingresses):
            context.work.add(key)
    if kind in (Kind.CRON_SCRIPT, Kind.EXECUTION):
        # Those that were looked at before their runs were known.
        for key in context.inventory.list_users(Kind.CRON_SCRIPT):
            context.work.add(key)
    if kind is Kind.EXECUTION:
        for key in context.fired_jobs.list_cron_jobs():
            context.work.add(key)


def take(context: Context, notice: Notice) -> None:
    """Take note of one change."""
    _TAKERS[notice.key.kind](context, notice)


def _take_script(context: Context, notice: Notice) -> None:
    context.inventory.note_user(notice)
    _compare_with_kopf(context, notice)
    if notice.is_gone:
        # kopf does not tell of what was deleted in a gap of its watch; there may be another of that name.
        context.work.add(notice.key)
    for key in context.waiting_pods.list_of_script(notice.key):
        context.work.add(key)
    for key in context.script_users.list_users(notice.key.namespace, notice.key.name):
        context.work.add(key)
    if context.named_values.record(notice.key, notice.values):
        _take_pool_part(context, notice.key.namespace)
    _take_need(context, notice.key.namespace)


def _take_cron_script(context: Context, notice: Notice) -> None:
    context.inventory.note_user(notice)
    _compare_with_kopf(context, notice)
    if notice.is_gone:
        # As with Scripts: kopf may not tell, and there may be another of that name.
        context.work.add(notice.key)
    _take_need(context, notice.key.namespace)


def _take_endpoint(context: Context, notice: Notice) -> None:
    context.inventory.note_user(notice)
    _compare_with_kopf(context, notice)
    if notice.is_gone:
        # As with Scripts: kopf may not tell, and there may be another of that name.
        context.work.add(notice.key)
    if notice.endpoint is None:
        concerned = context.endpoints.forget(notice.key)
    else:
        default_class = context.settings.runner.endpoints.ingress_class
        place = endpoint_places.find_place(notice.endpoint, default_class)
        concerned = context.endpoints.note(notice.key, notice.endpoint, place.key if place else None)
    for key in concerned:
        context.work.add(key)
    if context.named_values.record(notice.key, notice.values):
        _take_pool_part(context, notice.key.namespace)
    _take_need(context, notice.key.namespace)


def _take_ingress(context: Context, notice: Notice) -> None:
    (context.endpoints.ingresses.discard if notice.is_gone else context.endpoints.ingresses.add)(notice.key)
    context.work.add(notice.key)


def _take_run(context: Context, notice: Notice) -> None:
    _take_own_pod(context, notice)
    _take_cron_run(context, notice)
    if notice.is_gone:
        context.history.forget(notice.uid)
    elif notice.ended is not None:
        former = context.history.note(notice.ended)
        is_news = Kind.EXECUTION in context.inventory.in_sync and context.leadership.is_held
        if is_news and former and notice.ended.script and former.is_success != notice.ended.is_success:
            context.outbox.put(notice.ended)
    _take_need(context, notice.key.namespace)


def _take_own_pod(context: Context, notice: Notice) -> None:
    if notice.own_pod is None or notice.ended is not None:
        context.waiting_pods.forget(notice.key)
    else:
        context.waiting_pods.note(notice.key, notice.own_pod)
    # Of what had ended before this replica began, nothing is left to be done.
    if notice.own_pod and (notice.ended is None or Kind.EXECUTION in context.inventory.in_sync):
        context.work.add(notice.key)


def _take_cron_run(context: Context, notice: Notice) -> None:
    if notice.cron_run is not None:
        if context.cron_runs.note(notice.cron_run):
            context.work.add(notice.cron_run.cron_script)
    elif owner := context.cron_runs.forget(notice.uid):
        context.work.add(owner)


def _take_need(context: Context, namespace: str) -> None:
    """Something that needs a pool came or went: its idle time starts anew, or a pool is asked for."""
    if context.inventory.has_pool(namespace):
        context.inventory.note_need(namespace, context.now())
    else:
        context.work.add(Key(Kind.NAMESPACE, "", namespace))


def _take_pool(context: Context, notice: Notice) -> None:
    if context.inventory.note_pool(notice):
        _take_place(context, notice.key.namespace)
    _compare_with_kopf(context, notice)
    if notice.is_gone:
        pools.note_state(context, notice.key.namespace, None)
        context.work.add(Key(Kind.NAMESPACE, "", notice.key.namespace))


def _take_pool_part(context: Context, namespace: str) -> None:
    if context.inventory.has_pool(namespace):
        context.work.add(Key(Kind.RUNNER_POOL, namespace, names.DEFAULT_POOL))


def _take_place(context: Context, namespace: str) -> None:
    """What all pods of a namespace have in common may have changed."""
    for key in context.inventory.list_users(Kind.CRON_SCRIPT, namespace):
        context.work.add(key)


def _compare_with_kopf(context: Context, notice: Notice) -> None:
    canary = context.canaries[notice.key.kind]
    if notice.is_gone:
        canary.forget(notice.uid)
    else:
        canary.expect(notice.uid, notice.generation, context.now())


def _take_job(context: Context, notice: Notice) -> None:
    if notice.owner:
        context.work.add(Key(Kind.EXECUTION, notice.key.namespace, notice.owner))
    job = notice.fired_job
    if job is None:
        # It is gone or going, or was no schedule's ever.
        context.fired_jobs.forget(notice.uid)
    elif context.fired_jobs.note(job, context.now()):
        context.work.add(job.cron_job)


def _take_cron_job(context: Context, notice: Notice) -> None:
    namespace = notice.key.namespace
    if notice.owner:
        context.work.add(Key(Kind.CRON_SCRIPT, namespace, notice.owner))
        return
    # Of one that went in a gap of the watch only the name is known.
    for key in context.inventory.list_users(Kind.CRON_SCRIPT, namespace):
        if names.cron_job_name(key.name) == notice.key.name:
            context.work.add(key)


def _take_config_map(context: Context, notice: Notice) -> None:
    for key in context.references.list_scripts(notice.key.namespace, notice.key.name):
        context.work.add(key)


def _take_namespace(context: Context, notice: Notice) -> None:
    _take_pool_part(context, notice.key.name)
    _take_place(context, notice.key.name)


def _take_part(context: Context, notice: Notice) -> None:
    _take_pool_part(context, notice.key.namespace)


_TAKERS: dict[Kind, Callable[[Context, Notice], None]] = {
    **dict.fromkeys(POOL_PARTS, _take_part),
    Kind.SCRIPT: _take_script,
    Kind.EXECUTION: _take_run,
    Kind.CRON_SCRIPT: _take_cron_script,
    Kind.ENDPOINT: _take_endpoint,
    Kind.INGRESS: _take_ingress,
    Kind.JOB: _take_job,
    Kind.CRON_JOB: _take_cron_job,
    Kind.RUNNER_POOL: _take_pool,
    Kind.CONFIG_MAP: _take_config_map,
    Kind.NAMESPACE: _take_namespace,
}
