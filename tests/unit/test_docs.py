"""What can be set, seen or met is in the docs."""

import re
from pathlib import Path

import pytest
import yaml

from scriptorium_api.reasons import Reason
from scriptorium_runner.host.http.failures import Code

ROOT = Path(__file__).parents[2]
CODE = [path for part in ("operator", "runner", "client", "crds") for path in ROOT.glob(f"{part}/**/*.py")]


def find(pattern: str) -> set[str]:
    """Give what the pattern finds in the code."""
    return {match for path in CODE for match in re.findall(pattern, path.read_text())}


def test_every_environment_variable_is_in_the_settings() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    named = find(r'"((?:SCRIPTORIUM|SCRIPTS?|POD)_[A-Z_]+)"')
    assert {"SCRIPT_VM_POOL_SIZE", "SCRIPTORIUM_IMAGE", "POD_UID"} <= named
    assert [name for name in sorted(named) if f"`{name}`" not in text] == []


def test_every_value_of_the_chart_is_in_the_settings() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    values = yaml.safe_load((ROOT / "helm" / "scriptorium" / "values.yaml").read_text())
    paths = [f"{part}.{key}" for part, below in values.items() for key in below]
    assert [path for path in paths if f"`{path}" not in text] == []


def test_every_value_in_the_settings_is_one_of_the_chart() -> None:
    table = (ROOT / "docs" / "settings.md").read_text().partition("\n## The runner")[0]
    first_cells = "\n".join(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE))
    named = re.findall(r"`([a-zA-Z]+(?:\.[a-zA-Z]+)+)`", first_cells)
    assert len(named) > 20
    for name in named:
        found = yaml.safe_load((ROOT / "helm" / "scriptorium" / "values.yaml").read_text())
        for key in name.split("."):
            assert key in found, name
            found = found[key]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_in_the_reference(reason: Reason) -> None:
    assert f"| `{reason}` |" in (ROOT / "docs" / "api.md").read_text()


@pytest.mark.parametrize("code", Code)
def test_every_code_of_an_http_error_is_in_the_reference(code: Code) -> None:
    assert f"| `{code}` |" in (ROOT / "docs" / "javascript.md").read_text()


def test_every_command_of_the_readme_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    commands = {name for page in pages for name in re.findall(r"\bmake ([a-z][a-z-]+)", page.read_text())}
    assert commands
    assert [name for name in sorted(commands) if f"\n{name}:" not in makefile] == []


def test_every_link_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_decision_has_a_number_of_its_own_which_its_title_has_too() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(page.name.partition("-")[0]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    titles = [re.match(r"# (\d+)\. ", page.read_text()) for page in pages]
    assert [title and int(title[1]) for title in titles] == numbers
