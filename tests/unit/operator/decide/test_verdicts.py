from datetime import UTC, datetime

import pytest

from scriptorium_api import names
from scriptorium_api.conditions import Finding
from scriptorium_api.script import Script
from scriptorium_operator.build.script_status import build_script_status
from scriptorium_operator.decide import verdicts
from scriptorium_operator.decide.sources import SourceProblem
from scriptorium_operator.facts import SyntaxFault
from tests.unit.operator.fakes import make_script

HASH = names.source_hash("return 1")


def make_judged(finding: Finding, source_hash: str = HASH) -> Script:
    script = make_script()
    status = build_script_status(script, finding, source_hash, datetime(2026, 1, 1, tzinfo=UTC))
    return script.model_copy(update={"status": status})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (SyntaxFault("unexpected token", 2, 9), "SyntaxError: unexpected token at 2:9"),
        (SyntaxFault("unexpected token", 2), "SyntaxError: unexpected token at 2:1"),
        (SyntaxFault("no place"), "SyntaxError: no place"),
    ],
)
def test_a_syntax_error_names_line_and_column(fault: SyntaxFault, message: str) -> None:
    finding = verdicts.judge_fault(fault)
    assert (finding.is_true, finding.reason, finding.message) == (False, "SyntaxError", message)


def test_an_endless_message_is_cut_before_its_place() -> None:
    message = verdicts.judge_fault(SyntaxFault("x" * 100_000, 1, 2)).message
    assert len(message) < 4096
    assert message.endswith(" at 1:2")


@pytest.mark.parametrize("fault", [None, SyntaxFault("bad", 1, 1)])
def test_a_verdict_on_the_same_source_is_recalled(fault: SyntaxFault | None) -> None:
    finding = verdicts.judge_fault(fault)
    assert verdicts.recall_verdict(make_judged(finding).status, HASH) == finding


def test_a_verdict_on_another_source_is_not_recalled() -> None:
    judged = make_judged(verdicts.judge_fault(None))
    assert verdicts.recall_verdict(judged.status, names.source_hash("return 2")) is None


@pytest.mark.parametrize(
    "finding",
    [verdicts.judge_problem(SourceProblem("SourceMissing", "gone")), verdicts.judge_failure("crashed")],
)
def test_what_was_no_verdict_is_not_recalled(finding: Finding) -> None:
    assert verdicts.recall_verdict(make_judged(finding).status, HASH) is None


def test_a_judged_script_needs_no_attention() -> None:
    assert not verdicts.needs_attention(make_judged(verdicts.judge_fault(None)))


def test_a_new_script_needs_attention() -> None:
    assert verdicts.needs_attention(make_script())


def test_a_new_generation_needs_attention() -> None:
    judged = make_judged(verdicts.judge_fault(None))
    metadata = judged.metadata.model_copy(update={"generation": 2})
    assert verdicts.needs_attention(judged.model_copy(update={"metadata": metadata}))


def test_a_failed_check_needs_attention_again() -> None:
    assert verdicts.needs_attention(make_judged(verdicts.judge_failure("crashed")))


def test_a_source_from_elsewhere_always_needs_attention() -> None:
    spec = {"sourceFrom": {"configMapKeyRef": {"name": "code", "key": "main.js"}}}
    assert verdicts.needs_attention(make_script(spec=spec))
