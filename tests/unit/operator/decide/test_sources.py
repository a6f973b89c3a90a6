import pytest

from scriptorium_operator.decide.sources import SourceProblem, SourceText, decide_source
from scriptorium_operator.facts import ConfigMapContent
from tests.unit.operator.fakes import make_script

FROM_CODE = {"sourceFrom": {"configMapKeyRef": {"name": "code", "key": "main.js"}}}


def decide_from(config_map: ConfigMapContent | None) -> SourceText | SourceProblem:
    return decide_source(make_script(spec=FROM_CODE).spec, config_map)


def test_an_inline_source_is_taken_as_it_is() -> None:
    found = decide_source(make_script().spec, None)
    assert found == SourceText("return 1")


def test_the_hash_names_the_source_by_its_content() -> None:
    assert SourceText("a").hash == SourceText("a").hash != SourceText("b").hash


def test_a_source_is_taken_from_the_key_of_the_config_map() -> None:
    assert decide_from(ConfigMapContent({"main.js": "return 2", "other": "x"})) == SourceText("return 2")


def test_the_largest_source_counts_bytes_not_characters() -> None:
    assert isinstance(decide_from(ConfigMapContent({"main.js": "ä" * 32768})), SourceText)


@pytest.mark.parametrize(
    ("config_map", "reason", "says"),
    [
        (None, "SourceMissing", "ConfigMap code does not exist: create it with key main.js"),
        (
            ConfigMapContent({"a": "b"}),
            "SourceMissing",
            "ConfigMap code has no key main.js: add it under data",
        ),
        (
            ConfigMapContent({}, frozenset({"main.js"})),
            "SourceInvalid",
            "binaryData: put the source as UTF-8",
        ),
        (ConfigMapContent({"main.js": "ä" * 32769}), "SourceInvalid", "must be at most 65536 bytes"),
        (
            ConfigMapContent({"main.js": "a\0b"}),
            "SourceInvalid",
            "must not contain NUL characters; remove",
        ),
        (ConfigMapContent({"main.js": ""}), "SourceInvalid", "must not be empty"),
    ],
)
def test_a_problem_says_what_and_where_and_how_to_cure_it(
    config_map: ConfigMapContent | None, reason: str, says: str
) -> None:
    problem = decide_from(config_map)
    assert isinstance(problem, SourceProblem)
    assert problem.reason == reason
    assert says in problem.message
    assert "code" in problem.message
    assert "main.js" in problem.message
