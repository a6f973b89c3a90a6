"""Scripts: find the source, have it checked, say so in the status."""

import logging

from scriptorium_api.conditions import Finding
from scriptorium_api.script import Script
from scriptorium_operator.build import script_status
from scriptorium_operator.context import Context
from scriptorium_operator.decide import sources, verdicts
from scriptorium_operator.decide.retention import HistoryLimits
from scriptorium_operator.decide.sources import SourceProblem, SourceText
from scriptorium_operator.errors import SyntaxCheckFailed
from scriptorium_operator.facts import ConfigMapContent, Key, Kind

log = logging.getLogger(__name__)


def observe(context: Context, script: Script) -> None:
    """Take note of a Script as it is now, and see to it if its status may be out of date."""
    key = Key(Kind.SCRIPT, script.metadata.namespace, script.metadata.name)
    _remember(context, key, script)
    if verdicts.needs_attention(script):
        context.work.add(key)


def forget(context: Context, script: Script) -> None:
    """Take note that a Script is gone."""
    _forget(context, Key(Kind.SCRIPT, script.metadata.namespace, script.metadata.name))


def _remember(context: Context, key: Key, script: Script) -> None:
    context.references.record(key, script)
    limits = HistoryLimits(
        succeeded=script.spec.successful_runs_history_limit, failed=script.spec.failed_runs_history_limit
    )
    context.history.set_limits(key, limits)


def _forget(context: Context, key: Key) -> None:
    context.references.forget(key)
    context.history.set_limits(key, None)


async def reconcile(context: Context, key: Key) -> None:
    """Make the Script's status say what is true of its source; writes nothing if it does already."""
    script = await context.cluster.find_script(key)
    if script is None:
        _forget(context, key)
        return
    _remember(context, key, script)
    source = sources.decide_source(script.spec, await _find_config_map(context, script))
    if isinstance(source, SourceProblem):
        await _record(context, script, verdicts.judge_problem(source), None)
        return
    compiled = verdicts.recall_verdict(script.status, source.hash)
    if compiled is None:
        compiled = await _check(context, script, source)
    await _record(context, script, compiled, source.hash)


async def _check(context: Context, script: Script, source: SourceText) -> Finding:
    try:
        return verdicts.judge_fault(await context.syntax.find_fault(source.text))
    except SyntaxCheckFailed as failure:
        await _record(context, script, verdicts.judge_failure(str(failure)), source.hash)
        raise


async def _find_config_map(context: Context, script: Script) -> ConfigMapContent | None:
    if script.spec.source_from is None:
        return None
    name = script.spec.source_from.config_map_key_ref.name
    return await context.cluster.find_config_map(script.metadata.namespace, name)


async def _record(context: Context, script: Script, compiled: Finding, source_hash: str | None) -> None:
    status = script_status.build_script_status(script, compiled, source_hash, context.now())
    if status == script.status:
        return
    await context.cluster.replace_status(script, status.to_wire())
    log.info(
        "script judged",
        extra={
            "namespace": script.metadata.namespace,
            "object": script.metadata.name,
            "reason": compiled.reason,
            "version": status.version,
        },
    )
