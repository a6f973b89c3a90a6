"""What a Script's status says."""

from datetime import datetime

from scriptorium_api.conditions import Finding, merge_conditions
from scriptorium_api.script import Script, ScriptStatus
from scriptorium_operator.facts import READY


def build_script_status(
    script: Script, compiled: Finding, source_hash: str | None, now: datetime
) -> ScriptStatus:
    """Give the status; without a source the version and hash stay those of the last one."""
    former = script.status
    is_new = source_hash is not None and source_hash != former.source_hash
    findings = [_find_readiness(compiled, is_suspended=script.spec.suspend), compiled]
    generation = script.metadata.generation
    return ScriptStatus(
        observed_generation=generation,
        version=former.version + 1 if is_new else former.version,
        source_hash=source_hash or former.source_hash,
        conditions=merge_conditions(former.conditions, findings, generation, now),
    )


def _find_readiness(compiled: Finding, *, is_suspended: bool) -> Finding:
    if not compiled.is_true:
        return compiled.model_copy(update={"type": READY})
    if is_suspended:
        return Finding(
            type=READY,
            is_true=False,
            reason="Suspended",
            message="No run starts while spec.suspend is true; runs wait.",
        )
    return Finding(type=READY, is_true=True, reason=READY, message="Runs can start.")
