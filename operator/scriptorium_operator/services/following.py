"""Followers: one task a kind that turns what changed into what is to be looked at again."""

from scriptorium_api import names
from scriptorium_operator.context import Context
from scriptorium_operator.facts import POOL_PARTS, InSync, Key, Kind, Notice


async def follow_kind(context: Context, kind: Kind) -> None:
    """Take note of every change of a kind, for ever."""
    context.inventory.begin(kind)
    if kind is Kind.EXECUTION:
        context.history.clear()
    elif kind is Kind.SCRIPT:
        context.named_values.clear()
    async for told in context.cluster.follow(kind):
        if isinstance(told, InSync):
            _note_sync(context, kind)
        else:
            take(context, told)


def _note_sync(context: Context, kind: Kind) -> None:
    context.inventory.in_sync.add(kind)
    if kind in (Kind.SCRIPT, Kind.RUNNER_POOL):
        # Those that were looked at before it was known what they have to mount.
        for pool in context.inventory.list_pools():
            context.work.add(pool.key)


def take(context: Context, notice: Notice) -> None:
    """Take note of one change."""
    kind = notice.key.kind
    if kind is Kind.SCRIPT:
        _take_script(context, notice)
    elif kind is Kind.EXECUTION:
        _take_run(context, notice)
    elif kind is Kind.JOB:
        context.work.add(Key(Kind.EXECUTION, notice.key.namespace, notice.owner))
    elif kind is Kind.RUNNER_POOL:
        _take_pool(context, notice)
    elif kind is Kind.CONFIG_MAP:
        for key in context.references.list_scripts(notice.key.namespace, notice.key.name):
            context.work.add(key)
    elif kind is Kind.NAMESPACE:
        _take_pool_part(context, notice.key.name)
    elif kind in POOL_PARTS:
        _take_pool_part(context, notice.key.namespace)


def _take_script(context: Context, notice: Notice) -> None:
    context.inventory.note_script(notice)
    _compare_with_kopf(context, notice)
    if notice.is_gone:
        # kopf does not tell of what was deleted in a gap of its watch; there may be another of that name.
        context.work.add(notice.key)
    for key in context.waiting_pods.list_of_script(notice.key):
        context.work.add(key)
    if context.named_values.record(notice.key, notice.values):
        _take_pool_part(context, notice.key.namespace)
    _take_need(context, notice.key.namespace)


def _take_run(context: Context, notice: Notice) -> None:
    _take_own_pod(context, notice)
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


def _take_need(context: Context, namespace: str) -> None:
    """A Script or run came or went: that starts a pool's idle time anew, or asks for a pool."""
    if context.inventory.has_pool(namespace):
        context.inventory.note_need(namespace, context.now())
    else:
        context.work.add(Key(Kind.NAMESPACE, "", namespace))


def _take_pool(context: Context, notice: Notice) -> None:
    context.inventory.note_pool(notice)
    _compare_with_kopf(context, notice)
    if notice.is_gone:
        context.work.add(Key(Kind.NAMESPACE, "", notice.key.namespace))


def _take_pool_part(context: Context, namespace: str) -> None:
    if context.inventory.has_pool(namespace):
        context.work.add(Key(Kind.RUNNER_POOL, namespace, names.DEFAULT_POOL))


def _compare_with_kopf(context: Context, notice: Notice) -> None:
    canary = context.canaries[notice.key.kind]
    if notice.is_gone:
        canary.forget(notice.uid)
    else:
        canary.expect(notice.uid, notice.generation, context.now())
