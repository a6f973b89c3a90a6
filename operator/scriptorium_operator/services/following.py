"""Followers: one task a kind that turns what changed into what is to be looked at again."""

from scriptorium_api import names
from scriptorium_operator.context import Context
from scriptorium_operator.facts import POOL_PARTS, InSync, Key, Kind, Notice


async def follow_kind(context: Context, kind: Kind) -> None:
    """Take note of every change of a kind, for ever."""
    context.inventory.begin(kind)
    if kind is Kind.EXECUTION:
        context.history.clear()
    async for told in context.cluster.follow(kind):
        if isinstance(told, InSync):
            context.inventory.in_sync.add(kind)
        else:
            take(context, told)


def take(context: Context, notice: Notice) -> None:
    """Take note of one change."""
    kind = notice.key.kind
    if kind is Kind.SCRIPT:
        _take_script(context, notice)
    elif kind is Kind.EXECUTION:
        _take_run(context, notice)
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
    _take_need(context, notice.key.namespace)


def _take_run(context: Context, notice: Notice) -> None:
    if notice.is_gone:
        context.history.forget(notice.uid)
    elif notice.ended is not None:
        former = context.history.note(notice.ended)
        is_news = Kind.EXECUTION in context.inventory.in_sync and context.leadership.is_held
        if is_news and former and notice.ended.script and former.is_success != notice.ended.is_success:
            context.outbox.put(notice.ended)
    _take_need(context, notice.key.namespace)


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
