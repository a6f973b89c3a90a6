"""Bad files: each problem is told with its line."""

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from scriptorium_runner.sources import manifests

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: code}\n"
SCRIPT = "apiVersion: scriptorium.dev/v1alpha1\nkind: Script\nmetadata:\n  name: a\nspec:\n"
CRON = SCRIPT.replace("Script", "CronScript") + "  scriptRef: {name: b}\n"


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
        (CONFIG_MAP + "---\n" + SCRIPT + "  source: 1\n", 10, "spec.source"),
        (CRON + "  schedule: 60 * * * *\n", 7, "spec.schedule: schedule: the minute must be 0-59"),
        (CRON + "  schedule: 0 0 31 2 *\n", 7, 'spec.schedule: "0 0 31 2 *" never fires'),
        (CRON + "  schedule: 0 22-5 * * *\n", 7, "runs backwards; write it as a list of two ranges"),
        (
            CRON + '  schedule: "@daily"\n  timeZone: Europe/Berlln\n',
            8,
            'spec.timeZone: there is no time zone "Europe/Berlln"; did you mean Europe/Berlin',
        ),
        (CRON + '  schedule: "* * * * *"\n  jitterSeconds: 60\n', 8, "spec.jitterSeconds: must be less"),
        (
            (CRON + '  schedule: "@daily"\n').replace("  name: a", "  generateName: a"),
            3,
            "metadata.name: give the object a name",
        ),
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


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty; write a manifest, or remove it"),
        (" \n\n", 1, "the file is empty"),
        ("- a\n- b\n", 1, "expected a mapping with apiVersion and kind"),
        (CONFIG_MAP + "data:\n  retries: 3\n", 5, "data.retries: expected a string; put the value in quotes"),
        (CONFIG_MAP + "data:\n  a: x\n  b: null\n", 6, "data.b: expected a string"),
        (CONFIG_MAP + "data: text\n", 4, "data: expected a mapping"),
        (CONFIG_MAP + "dat:\n  a: b\n", 4, "dat: unknown field; check its spelling"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: foo\n", 3, "metadata: expected a mapping"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: null\n", 3, "metadata: expected a mapping"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", 3, "metadata.name: give the object a name"),
        (SCRIPT.replace("  name: a\n", "") + "  source: x\n", 3, "metadata: expected a mapping"),
        ("apiVersion: v1\nkind: List\nitems: foo\n", 3, "items: expected a list"),
        ("apiVersion: v1\nkind: List\n", 1, "items: expected a list"),
        ("apiVersion: [v1]\nkind: {a: b}\n", 1, "apiVersion and kind are missing"),
    ],
)
def test_a_manifest_of_the_wrong_shape_is_told_with_its_line_and_its_cure(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    problem = problem_of(tmp_path, text)
    assert words in problem.text
    assert problem.line == line


ENDPOINT = "apiVersion: scriptorium.dev/v1alpha1\nkind: Endpoint\nmetadata: {name: a}\nspec:\n"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            "",
            "spec.auth: required field is missing: say who may call; for an Endpoint",
        ),
        (
            "auth: []",
            "spec.auth: say who may call; for an Endpoint",
        ),
        ("host: https://shop.example.com", "spec.host: expected a DNS name such as shop.example.com"),
        (
            'cors: {origins: ["https://a.org/"]}',
            "spec.cors.origins[0]: expected an origin such as https://app",
        ),
    ],
)
def test_what_is_wrong_with_an_endpoint_is_told_with_its_cure(
    tmp_path: Path, fields: str, words: str
) -> None:
    rest = "" if fields.startswith("auth") or not fields else "  auth: [{none: {}}]\n"
    text = f"{ENDPOINT}  path: /a\n  scriptRef: {{name: a}}\n{rest}  {fields}\n"
    assert words in problem_of(tmp_path, text).text


RUN = "apiVersion: scriptorium.dev/v1alpha1\nkind: ScriptExecution\nmetadata: {name: a}\nspec:\n"
LAUGHS = "".join(
    f"    {b}: [{', '.join([f'*{a}'] * 9)}]\n".replace(": [", f": &{b} [") for a, b in pairwise("abcdefgh")
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("!!int foo", '"foo" is no int in JSON; put it in quotes'),
        ('!!int ""', "is no int in JSON"),
        ("!!float foo", "is no float in JSON"),
        ("!!bool foo", "is no bool in JSON"),
        ("!!timestamp foo", "is no timestamp in JSON"),
        ("x: y", "not YAML: mapping values are not allowed here"),
        ("!!binary ü", "not YAML: failed to convert base64 data"),
        ("!secret foo", "could not determine a constructor for the tag '!secret'"),
        ("!!python/object:os.system x", "could not determine a constructor"),
        (".inf", '".inf" is no float in JSON; put it in quotes'),
        (".nan", '".nan" is no float in JSON'),
        ("1" * 5000, "is no int in JSON"),
        ("0x" + "f" * 5000, "is no int in JSON"),
        ('"\\ud83d"', "is no str in JSON"),
        ("{[a]: b}", "found unhashable key"),
        ("&a [*a]", "an alias stands inside of what it names; write the value out"),
        ("&a {b: {c: *a}}", "an alias stands inside of what it names"),
        ("&a {<<: *a}", "an alias stands inside of what it names"),
        ("*absent", "found undefined alias 'absent'"),
        ("[" * 5000, "nested deeper than 200 levels; flatten it"),
        ("a\0b", "the character U+0000 is not allowed; remove it"),
        ("a\x1bb", "the character U+001B is not allowed"),
    ],
)
def test_a_value_that_no_json_has_is_told_with_its_line_and_its_cure(
    tmp_path: Path, value: str, words: str
) -> None:
    problem = problem_of(tmp_path, f"{RUN}  source: return 1\n  input:\n    a: {value}\n")
    assert words in problem.text
    assert problem.line == 7


def test_aliases_that_repeat_too_much_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    problem = problem_of(tmp_path, f"{RUN}  source: return 1\n  input:\n    a: &a [x, x]\n{LAUGHS}")
    assert "its aliases repeat more than 100000 values; use fewer of them" in problem.text
    assert problem.line == 1


def test_merges_that_repeat_too_much_are_refused_too(tmp_path: Path) -> None:
    laughs = LAUGHS.replace("[*", "{<<: [*").replace("]", "]}")
    problem = problem_of(tmp_path, f"{RUN}  source: return 1\n  input:\n    a: &a {{x: y}}\n{laughs}")
    assert "its aliases repeat more than" in problem.text


def test_a_chain_of_aliases_may_not_nest_deeper_than_brackets(tmp_path: Path) -> None:
    chain = "".join(f"    k{n + 1}: &k{n + 1} {'[' * 50}*k{n}{']' * 50}\n" for n in range(5))
    problem = problem_of(tmp_path, f"{RUN}  source: return 1\n  input:\n    k0: &k0 x\n{chain}")
    assert "nested deeper than 200 levels" in problem.text


def test_aliases_and_merges_in_measure_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(f"{RUN}  source: return 1\n  input: {{a: &a {{x: 1}}, b: *a, c: {{<<: *a, y: 2}}}}\n")
    loaded = manifests.load([file])
    assert loaded.problems == []
    assert loaded.objects[0].object.to_wire()["spec"]["input"]["c"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12:30", "12:30"),
        ("2020-01-02", "2020-01-02"),
        ("=", "="),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        ("1.", 1.0),
        (".5", 0.5),
        ("0x10", 16),
        ("010", 8),
        ("-7", -7),
        ("0", 0),
        ("1.2.3", "1.2.3"),
        ("1e", "1e"),
        ("+", "+"),
    ],
)
def test_a_value_is_read_as_kubectl_reads_it(tmp_path: Path, written: str, value: object) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(f"{RUN}  source: return 1\n  input: {{a: {written}}}\n")
    (found,) = manifests.load([file]).objects
    assert found.object.to_wire()["spec"]["input"] == {"a": value}


def test_a_config_map_without_data_is_one(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(f"{CONFIG_MAP}data: null\nbinaryData: {{a: AA==}}\n")
    loaded = manifests.load([file])
    assert loaded.problems == []
    assert [found.object.kind for found in loaded.objects] == ["ConfigMap"]


def test_json_may_be_indented_with_tabs_and_write_characters_in_halves(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "code"},
        "data": {"a.js": "return '\t😀'"},
    }
    file.write_text(json.dumps(manifest, indent="\t"))
    (found,) = manifests.load([file]).objects
    assert found.object.to_wire()["data"] == manifest["data"]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    absent, dangling, circle = (tmp_path / f"{name}.yaml" for name in ("absent", "dangling", "circle"))
    dangling.symlink_to(absent)
    circle.symlink_to(circle)
    texts = [problem.text for problem in manifests.load([absent, dangling, circle, tmp_path]).problems]
    assert texts == [
        "cannot be read: No such file or directory; mend or remove it",
        "cannot be read: it is a link to nothing; mend or remove it",
        "cannot be read: Too many levels of symbolic links; mend or remove it",
        "cannot be read: Is a directory; mend or remove it",
    ]


def test_a_file_larger_than_any_manifest_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    with file.open("wb") as opened:
        opened.truncate(3 * 2**20)
    (problem,) = manifests.load([file]).problems
    assert problem.text == "larger than 2 MiB; split the file"


def test_no_damage_to_a_manifest_is_more_than_a_problem(tmp_path: Path) -> None:
    """Every file is wrong in another way; none may raise."""
    whole = f"{CONFIG_MAP}data: {{a: &x 'b'}}\n---\n{SCRIPT}  source: *x\n  limits: {{logKB: 1}}\n".encode()
    draw = random.Random(1)  # noqa: S311 - the same damage every time.
    file = tmp_path / "file.yaml"
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(draw.randrange(1, 4)):
            place = draw.randrange(len(damaged))
            damaged[place : place + draw.randrange(3)] = draw.choice(
                [b"", b"[", b"{", b": ", b"\n", b"!!int ", b"&a ", b"*a", b"\x00", b"\xff", b"null", b"<<: "]
            )
        file.write_bytes(damaged)
        loaded = manifests.load([file])
        assert all(problem.line >= 1 for problem in loaded.problems)


def test_a_list_is_read_as_its_items(tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    items = "".join(
        f"- apiVersion: scriptorium.dev/v1alpha1\n  kind: Script\n  metadata: {{name: {name}}}\n"
        "  spec: {source: return 1}\n"
        for name in ("a", "b")
    )
    file.write_text(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    assert [found.object.metadata.name for found in manifests.load([file]).objects] == ["a", "b"]


PAYMENT = "apiVersion: v1\nkind: Secret\nmetadata: {name: payment}\ntype: Opaque\n"


def test_a_secret_may_hold_base64_and_plain_text(tmp_path: Path) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text(f'{PAYMENT}data: {{a: "aHVz\\naA=="}}\nstringData: {{b: plain}}\nimmutable: true\n')
    loaded = manifests.load([file])
    assert loaded.problems == []
    assert [found.object.kind for found in loaded.objects] == ["Secret"]


def test_a_secret_that_is_no_base64_is_told_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text(f"{PAYMENT}data:\n  api-key: hush!\n")
    (problem,) = manifests.load([file]).problems
    assert str(problem) == (f"{file}:6: data.api-key: not base64; write plain text under stringData instead")
