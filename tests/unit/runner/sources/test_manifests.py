"""Bad files: each problem is told with its line."""

from pathlib import Path

import pytest

from scriptorium_runner.sources import manifests

SCRIPT = "apiVersion: scriptorium.dev/v1alpha1\nkind: Script\nmetadata:\n  name: a\nspec:\n"


def problem_of(tmp_path: Path, text: str | bytes) -> manifests.Problem:
    file = tmp_path / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = manifests.load([file]).problems
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1\nb: 2\n", 2, "not YAML"),
        ("just text\n", 1, "not a manifest"),
        ("kind: Script\n", 1, "apiVersion and kind are missing"),
        ("apiVersion: scriptorium.dev/v1\nkind: Script\n", 1, "unknown apiVersion"),
        ("apiVersion: v1\nkind: Script\n", 1, "use scriptorium.dev/v1alpha1"),
        ("apiVersion: scriptorium.dev/v1alpha1\nkind: Skript\n", 1, 'unknown kind "Skript"'),
        (SCRIPT + "  source: return 1\n  sauce: x\n", 7, "spec.sauce: unknown field"),
        (SCRIPT + "  source: return 1\n  limits:\n    memoryMB: 1\n", 8, "spec.limits.memoryMB"),
        (SCRIPT + "  source: return 1\n  source: return 2\n", 7, '"source" stands twice'),
        (SCRIPT + "  suspend: true\n", 5, "exactly one of source and sourceFrom"),
        ("kind: ConfigMap\napiVersion: v1\n---\n" + SCRIPT + "  source: 1\n", 9, "spec.source"),
    ],
)
def test_a_problem_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    problem = problem_of(tmp_path, text)
    assert words in problem.text
    assert problem.line == line


def test_a_file_that_is_not_utf_8_is_named_with_the_line(tmp_path: Path) -> None:
    problem = problem_of(tmp_path, SCRIPT.encode() + b"  source: '\xff\xfe'\n")
    assert "not UTF-8" in problem.text
    assert problem.line == 6


def test_a_path_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    assert "no such file" in manifests.load([tmp_path / "absent.yaml"]).problems[0].text


def test_two_objects_of_one_name_are_refused_with_the_place_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(f"{SCRIPT}  source: return 1\n---\n{SCRIPT}  source: return 2\n")
    (problem,) = manifests.load([file]).problems
    assert f"defined already, at {file}:1" in problem.text
    assert problem.line == 8


def test_folders_are_read_to_the_bottom_and_other_groups_left_alone(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "script.yml").write_text(SCRIPT + "  source: return 1\n")
    (tmp_path / "other.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n")
    (tmp_path / "notes.txt").write_text("not a manifest")
    loaded = manifests.load([tmp_path])
    assert [found.object.metadata.name for found in loaded.objects] == ["a"]
    assert loaded.problems == []


def test_a_list_is_read_as_its_items(tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    items = "".join(
        f"- apiVersion: scriptorium.dev/v1alpha1\n  kind: Script\n  metadata: {{name: {name}}}\n"
        "  spec: {source: return 1}\n"
        for name in ("a", "b")
    )
    file.write_text(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    assert [found.object.metadata.name for found in manifests.load([file]).objects] == ["a", "b"]
